"""Routes under /api/v1/tenants/{id}/webhooks/{id}: what was sent, and what is to be sent again."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.permissions import Permission
from dbaas.api.errors import CursorInvalid
from dbaas.api.openapi import PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.views import validated_query
from dbaas.core.errors import Forbidden
from tenants.access import TenantNotFound, TenantSuspended
from webhooks import deliveries
from webhooks.api import examples
from webhooks.api.serializers import DeliveryQuerySerializer, DeliverySerializer, DeliveryWithAttemptsSerializer
from webhooks.api.shapes import show_delivery, show_delivery_whole
from webhooks.deliveries import DeliveryNotFound, DeliveryUnderWay, WebhookDisabled
from webhooks.endpoints import WebhookNotFound
from webhooks.models import Delivery

_TAGS = ["webhooks"]


class DeliveriesView(ActorView):
    """GET tenants/{id}/webhooks/{id}/deliveries."""

    @extend_schema(
        operation_id="list_deliveries",
        summary="List what was sent to a webhook",
        tags=_TAGS,
        parameters=[*PAGE_PARAMETERS, DeliveryQuerySerializer],
        responses={200: page_of(DeliverySerializer)},
        examples=[examples.DELIVERIES],
    )
    @needs(Permission.WEBHOOKS_READ)
    @raises(TenantNotFound, Forbidden, WebhookNotFound, CursorInvalid)
    def get(self, request: Request, tenant_id: UUID, webhook_id: UUID) -> Response:
        """List what was sent, or waits to be, newest first; it is kept for some weeks. Needs the role `developer`."""
        wanted = validated_query(DeliveryQuerySerializer, request)
        found = page(deliveries.deliveries_of(self.actor, tenant_id, webhook_id).filter(**wanted), request)
        return Response({**found, "items": [show_delivery(delivery) for delivery in found["items"]]})


class DeliveryView(ActorView):
    """GET tenants/{id}/webhooks/{id}/deliveries/{id}."""

    @extend_schema(
        operation_id="read_delivery",
        summary="Read one delivery with every try",
        tags=_TAGS,
        responses={200: DeliveryWithAttemptsSerializer},
        examples=[examples.DELIVERY_WHOLE],
    )
    @needs(Permission.WEBHOOKS_READ)
    @raises(TenantNotFound, Forbidden, WebhookNotFound, DeliveryNotFound)
    def get(self, _request: Request, tenant_id: UUID, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Return what was sent, and how each try ended. Needs the role `developer`."""
        delivery = deliveries.delivery_of(self.actor, tenant_id, webhook_id, delivery_id)
        return Response(show_delivery_whole(delivery, deliveries.attempts_of(delivery)))


class RedeliverView(ActorView):
    """POST tenants/{id}/webhooks/{id}/deliveries/{id}/redeliver."""

    @extend_schema(
        operation_id="redeliver",
        summary="Send a message again",
        tags=_TAGS,
        request=None,
        responses={202: DeliverySerializer},
        examples=[examples.DELIVERY],
    )
    @needs(Permission.WEBHOOKS_WRITE)
    @raises(
        TenantNotFound, Forbidden, TenantSuspended, WebhookNotFound, DeliveryNotFound, WebhookDisabled, DeliveryUnderWay
    )
    def post(self, _request: Request, tenant_id: UUID, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Send the same message again, with the same `webhook-id`, and try anew for a day if need be. Needs the role `admin`."""
        return _accepted(tenant_id, deliveries.redeliver(self.actor, tenant_id, webhook_id, delivery_id))


class TestView(ActorView):
    """POST tenants/{id}/webhooks/{id}/test."""

    @extend_schema(
        operation_id="test_webhook",
        summary="Send a test to a webhook",
        tags=_TAGS,
        request=None,
        responses={202: DeliverySerializer},
        examples=[examples.DELIVERY],
    )
    @needs(Permission.WEBHOOKS_WRITE)
    @raises(TenantNotFound, Forbidden, TenantSuspended, WebhookNotFound, WebhookDisabled)
    def post(self, _request: Request, tenant_id: UUID, webhook_id: UUID) -> Response:
        """Send a message of the type `webhook.test`, whatever the filters. Follow it at `Location`. Needs the role `admin`."""
        return _accepted(tenant_id, deliveries.send_test(self.actor, tenant_id, webhook_id))


def _accepted(tenant_id: UUID, delivery: Delivery) -> Response:
    address = f"/api/v1/tenants/{tenant_id}/webhooks/{delivery.endpoint_id}/deliveries/{delivery.id}"
    headers = {"Location": address, "Retry-After": "2"}
    return Response(show_delivery(delivery), status=status.HTTP_202_ACCEPTED, headers=headers)
