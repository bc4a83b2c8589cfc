"""Every address of the product, and what answers where no view does."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/api/docs")),
    path("admin/", admin.site.urls),
    path("", include("django_prometheus.urls")),
]

handler400 = "dbaas.api.pages.bad_request"
handler403 = "dbaas.api.pages.permission_denied"
handler404 = "dbaas.api.pages.not_found"
handler500 = "dbaas.api.pages.server_error"
