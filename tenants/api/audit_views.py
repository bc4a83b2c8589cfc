"""GET /api/v1/tenants/{id}/audit-log: as pages of JSON, or whole as NDJSON."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.api.shapes import show_audit_event
from accounts.permissions import Permission
from dbaas.api.errors import CursorInvalid
from dbaas.api.json import JSONRenderer, dumps
from dbaas.api.openapi import PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.views import validated_query
from dbaas.core.errors import Forbidden
from tenants import audit_log
from tenants.access import TenantNotFound
from tenants.api import examples
from tenants.api.audit_serializers import AuditEventSerializer, AuditLogQuerySerializer
from tenants.audit_log import Wanted

_NDJSON = "application/x-ndjson"


class NdjsonRenderer(BaseRenderer):
    """Makes `Accept: application/x-ndjson` and `?format=ndjson` known; it renders nothing, because what has this type is streamed."""

    media_type = _NDJSON
    format = "ndjson"
    charset = None


class AuditLogView(ActorView):
    """GET tenants/{id}/audit-log."""

    renderer_classes = [JSONRenderer, NdjsonRenderer]

    @extend_schema(
        operation_id="read_audit_log",
        summary="Read a tenant's audit log",
        tags=["tenants"],
        parameters=[*PAGE_PARAMETERS, AuditLogQuerySerializer],
        responses={(200, "application/json"): page_of(AuditEventSerializer), (200, _NDJSON): AuditEventSerializer},
        examples=[examples.AUDIT_LOG, examples.AUDIT_LINE],
    )
    @needs(Permission.AUDIT_READ)
    @raises(TenantNotFound, Forbidden, CursorInvalid)
    def get(self, request: Request, tenant_id: UUID) -> HttpResponseBase:
        """List what was done in this tenant and by whom, newest first. Needs the role `admin`.

        With `Accept: application/x-ndjson` or `?format=ndjson` all of it is sent, oldest first, one JSON object per line, without pages; that is
        an export, which goes on record itself.
        """
        asked = validated_query(AuditLogQuerySerializer, request)
        wanted = Wanted(**{_FIELDS.get(name, name): value for name, value in asked.items()})
        if isinstance(request.accepted_renderer, NdjsonRenderer):
            lines = _lines(audit_log.export(self.actor, tenant_id, wanted))
            disposition = f'attachment; filename="audit-log-{tenant_id}.ndjson"'
            return StreamingHttpResponse(lines, content_type=_NDJSON, headers={"Content-Disposition": disposition})
        found = page(audit_log.audit_log_of(self.actor, tenant_id, wanted), request)
        return Response({**found, "items": [show_audit_event(event) for event in found["items"]]})


_FIELDS = {"from": "since", "to": "until"}
"""What are words of the language in Python has another name there."""


def _lines(events: Iterator[Any]) -> Iterator[bytes]:
    for event in events:
        yield dumps(show_audit_event(event)) + b"\n"
