"""Routes under /api/v1/tenants/{id}/webhooks: the webhooks themselves. What was sent to them has a file of its own."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.permissions import Permission
from dbaas.api.errors import CursorInvalid
from dbaas.api.etag import etag_of, require_match
from dbaas.api.openapi import IF_MATCH, PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.views import validated
from dbaas.core.errors import Forbidden, Stale
from tenants.access import TenantNotFound, TenantSuspended
from webhooks import endpoints
from webhooks.api import examples
from webhooks.api.serializers import (
    WebhookChangeSerializer,
    WebhookCreateSerializer,
    WebhookSerializer,
    WebhookWithSecretSerializer,
)
from webhooks.api.shapes import show_webhook
from webhooks.endpoints import TooManyWebhooks, WebhookNotFound
from webhooks.models import Endpoint
from webhooks.targets import UrlRefused

_TAGS = ["webhooks"]
_NO_STORE = {"Cache-Control": "no-store"}


class WebhooksView(ActorView):
    """GET and POST tenants/{id}/webhooks."""

    @extend_schema(
        operation_id="list_webhooks",
        summary="List a tenant's webhooks",
        tags=_TAGS,
        parameters=PAGE_PARAMETERS,
        responses={200: page_of(WebhookSerializer)},
        examples=[examples.WEBHOOKS],
    )
    @needs(Permission.WEBHOOKS_READ)
    @raises(TenantNotFound, Forbidden, CursorInvalid)
    def get(self, request: Request, tenant_id: UUID) -> Response:
        """List the tenant's webhooks, newest first. Needs the role `developer`."""
        found = page(endpoints.endpoints_of(self.actor, tenant_id), request)
        return Response({**found, "items": [show_webhook(endpoint) for endpoint in found["items"]]})

    @extend_schema(
        operation_id="create_webhook",
        summary="Make a webhook",
        tags=_TAGS,
        request=WebhookCreateSerializer,
        responses={201: WebhookWithSecretSerializer},
        examples=[examples.CREATE, examples.WITH_SECRET],
    )
    @needs(Permission.WEBHOOKS_WRITE)
    @raises(TenantNotFound, Forbidden, TenantSuspended, UrlRefused, TooManyWebhooks)
    def post(self, request: Request, tenant_id: UUID) -> Response:
        """Have events sent to a URL, signed as Standard Webhooks has it. The secret is shown this once. Needs the role `admin`."""
        endpoint, secret = endpoints.create(self.actor, tenant_id, **validated(WebhookCreateSerializer, request))
        headers = {"Location": f"/api/v1/tenants/{tenant_id}/webhooks/{endpoint.id}", **_NO_STORE, **_tag(endpoint)}
        body = {**show_webhook(endpoint), "secret": secret}
        return Response(body, status=status.HTTP_201_CREATED, headers=headers)


class WebhookView(ActorView):
    """GET, PATCH and DELETE tenants/{id}/webhooks/{id}."""

    @extend_schema(
        operation_id="read_webhook",
        summary="Read a webhook",
        tags=_TAGS,
        responses={200: WebhookSerializer},
        examples=[examples.WEBHOOK],
    )
    @needs(Permission.WEBHOOKS_READ)
    @raises(TenantNotFound, Forbidden, WebhookNotFound)
    def get(self, _request: Request, tenant_id: UUID, webhook_id: UUID) -> Response:
        """Return a webhook, without its secret. Needs the role `developer`."""
        endpoint = endpoints.endpoint_of(self.actor, tenant_id, webhook_id)
        return Response(show_webhook(endpoint), headers=_tag(endpoint))

    @extend_schema(
        operation_id="change_webhook",
        summary="Change a webhook",
        tags=_TAGS,
        parameters=[IF_MATCH],
        request=WebhookChangeSerializer,
        responses={200: WebhookSerializer},
        examples=[examples.CHANGE, examples.WEBHOOK],
    )
    @needs(Permission.WEBHOOKS_WRITE)
    @raises(TenantNotFound, Forbidden, TenantSuspended, WebhookNotFound, UrlRefused, Stale)
    def patch(self, request: Request, tenant_id: UUID, webhook_id: UUID) -> Response:
        """Change URL, events or description, or switch it on or off. Needs the role `admin`."""
        before = endpoints.endpoint_of(self.actor, tenant_id, webhook_id, Permission.WEBHOOKS_WRITE)
        is_matched = require_match(request, etag_of(before.id, before.version))
        fields: dict[str, Any] = validated(WebhookChangeSerializer, request)
        endpoint = endpoints.change(
            self.actor, tenant_id, webhook_id, **fields, expected_version=before.version if is_matched else None
        )
        return Response(show_webhook(endpoint), headers=_tag(endpoint))

    @extend_schema(operation_id="remove_webhook", summary="Remove a webhook", tags=_TAGS, responses={204: None})
    @needs(Permission.WEBHOOKS_WRITE)
    @raises(TenantNotFound, Forbidden, TenantSuspended, WebhookNotFound)
    def delete(self, _request: Request, tenant_id: UUID, webhook_id: UUID) -> Response:
        """Take a webhook away, with the log of what was sent to it. Needs the role `admin`."""
        endpoints.remove(self.actor, tenant_id, webhook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateSecretView(ActorView):
    """POST tenants/{id}/webhooks/{id}/rotate-secret."""

    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Change a webhook's secret",
        tags=_TAGS,
        request=None,
        responses={200: WebhookWithSecretSerializer},
        examples=[examples.WITH_SECRET],
    )
    @needs(Permission.WEBHOOKS_WRITE)
    @raises(TenantNotFound, Forbidden, TenantSuspended, WebhookNotFound, Stale)
    def post(self, _request: Request, tenant_id: UUID, webhook_id: UUID) -> Response:
        """Make a new secret and show it this once. For 24 hours messages carry two signatures, of the old one too. Needs the role `admin`."""
        endpoint, secret = endpoints.rotate_secret(self.actor, tenant_id, webhook_id)
        return Response({**show_webhook(endpoint), "secret": secret}, headers={**_NO_STORE, **_tag(endpoint)})


def _tag(endpoint: Endpoint) -> dict[str, str]:
    return {"ETag": etag_of(endpoint.id, endpoint.version)}
