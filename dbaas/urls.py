"""Every address of the product, and what answers where no view does."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from dbaas.api.errors_page import errors_page
from dbaas.health.metrics import metrics

admin.autodiscover()

api_v1: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("tenants.api.urls")),
    path("", include("webhooks.api.urls")),
    path("", include("provisioning.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/api/docs")),
    path("api/v1/", include(api_v1)),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema", template_name="dbaas_api/swagger.html")),
    path("api/redoc", SpectacularRedocView.as_view(url_name="schema", template_name="dbaas_api/redoc.html")),
    path("docs/errors", errors_page),
    path("health/", include("dbaas.health.urls")),
    path("admin/", admin.site.urls),
    path("metrics", metrics, name="prometheus-django-metrics"),
]

handler400 = "dbaas.api.pages.bad_request"
handler403 = "dbaas.api.pages.permission_denied"
handler404 = "dbaas.api.pages.not_found"
handler500 = "dbaas.api.pages.server_error"
