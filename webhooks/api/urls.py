"""Addresses under /api/v1/tenants/{id}/webhooks."""

from django.urls import path

from webhooks.api import delivery_views, views

_ALL = "tenants/<uuid:tenant_id>/webhooks"
_ONE = f"{_ALL}/<uuid:webhook_id>"
_DELIVERY = f"{_ONE}/deliveries/<uuid:delivery_id>"

urlpatterns = [
    path(_ALL, views.WebhooksView.as_view()),
    path(_ONE, views.WebhookView.as_view()),
    path(f"{_ONE}/rotate-secret", views.RotateSecretView.as_view()),
    path(f"{_ONE}/test", delivery_views.TestView.as_view()),
    path(f"{_ONE}/deliveries", delivery_views.DeliveriesView.as_view()),
    path(_DELIVERY, delivery_views.DeliveryView.as_view()),
    path(f"{_DELIVERY}/redeliver", delivery_views.RedeliverView.as_view()),
]
