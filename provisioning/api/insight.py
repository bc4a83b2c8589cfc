"""Routes under /api/v1/databases/{id} that look into a running database: what happened, what it logs, what it uses."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.permissions import Permission
from dbaas.api.openapi import raises
from dbaas.api.views import validated_query
from dbaas.core.errors import Forbidden
from provisioning.api.insight_serializers import (
    DatabaseEventsSerializer,
    EventQuerySerializer,
    LogQuerySerializer,
    LogSerializer,
    MetricQuerySerializer,
    MetricsSerializer,
)
from provisioning.api.insight_shapes import (
    EVENTS_EXAMPLE,
    LOG_EXAMPLE,
    METRICS_EXAMPLE,
    show_history,
    show_log,
    show_measurements,
)
from provisioning.cluster.errors import ClusterUnavailable
from provisioning.metrics.prometheus import MetricsUnavailable
from provisioning.selectors import DatabaseNotFound
from provisioning.services.history import read_history
from provisioning.services.logs import NoLog, PodNotFound, SimulatedLog, read_log
from provisioning.services.measurements import read_measurements
from tenants.access import TenantSuspended

_TAGS = ["databases"]


class EventsView(ActorView):
    """GET databases/{id}/events."""

    @extend_schema(
        operation_id="list_events_of_database",
        summary="List what happened to a database",
        tags=_TAGS,
        parameters=[EventQuerySerializer],
        responses={200: DatabaseEventsSerializer},
        examples=[EVENTS_EXAMPLE],
    )
    @needs(Permission.DATABASES_READ)
    @raises(DatabaseNotFound)
    def get(self, request: Request, database_id: UUID) -> Response:
        """List the cluster's events, the object's conditions and the operations' timelines, newest first, in one list."""
        asked = validated_query(EventQuerySerializer, request)
        found = read_history(self.actor, database_id, limit=asked["limit"], before=asked.get("before"))
        return Response(show_history(found))


class MetricsView(ActorView):
    """GET databases/{id}/metrics."""

    @extend_schema(
        operation_id="read_metrics_of_database",
        summary="Measure a database",
        tags=_TAGS,
        parameters=[MetricQuerySerializer],
        responses={200: MetricsSerializer},
        examples=[METRICS_EXAMPLE],
    )
    @needs(Permission.DATABASES_READ)
    @raises(DatabaseNotFound, MetricsUnavailable)
    def get(self, request: Request, database_id: UUID) -> Response:
        """Return CPU, memory, storage, connections and more, over a window where a Prometheus keeps them, else of this moment."""
        asked = validated_query(MetricQuerySerializer, request)
        found = read_measurements(
            self.actor, database_id, start=asked.get("from"), end=asked.get("to"), step_seconds=asked.get("step")
        )
        return Response(show_measurements(found), headers={"Cache-Control": "private, max-age=10"})


class LogsView(ActorView):
    """GET databases/{id}/logs."""

    @extend_schema(
        operation_id="read_log_of_database",
        summary="Read the last lines of the log",
        tags=_TAGS,
        parameters=[LogQuerySerializer],
        responses={200: LogSerializer},
        examples=[LOG_EXAMPLE],
    )
    @needs(Permission.LOGS_READ)
    @raises(DatabaseNotFound, Forbidden, TenantSuspended, PodNotFound, NoLog, SimulatedLog, ClusterUnavailable)
    def get(self, request: Request, database_id: UUID) -> Response:
        """Return the last lines of the primary's log, without what looks like a credential; each read is on record."""
        asked = validated_query(LogQuerySerializer, request)
        log = read_log(self.actor, database_id, lines=asked["lines"], pod=asked["pod"])
        return Response(show_log(log), headers={"Cache-Control": "no-store"})
