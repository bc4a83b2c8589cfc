"""Addresses under /health/."""

from django.urls import path

from dbaas.health import views

urlpatterns = [
    path("", views.summary),
    path("live", views.live),
    path("startup", views.startup),
    path("ready", views.ready),
]
