"""Databases and operations for operators: read only, because rows change through operations alone; a stuck one can be retried.

Clusters are the exception: they are ours to register, change and drain.
"""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from accounts import audit
from accounts.actor import actor_from
from dbaas.core.db import atomic
from provisioning.models import Cluster, Database, Heartbeat, Operation, OperationEvent, Resource
from provisioning.selectors import timeline_of
from provisioning.services.control import resume
from provisioning.services.refusals import NotStuck
from provisioning.statuses import status_of


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc] # the library is untyped
    """Rows that nobody adds, changes or deletes by hand."""

    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds here."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes here."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here."""
        del request, obj
        return False


@admin.register(Cluster)
class ClusterAdmin(ModelAdmin):  # type: ignore[misc] # the library is untyped
    """Clusters: register, change, drain."""

    list_display = ("name", "region", "accepts_databases", "external_service_type", "default_access", "created_at")
    list_filter = ("region", "accepts_databases")
    search_fields = ("name", "region")
    ordering = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes: databases point at it. Drain it instead."""
        del request, obj
        return False

    def save_model(self, request: HttpRequest, obj: Cluster, form: Any, change: bool) -> None:
        """Save the registration and put it on record."""
        with atomic():
            super().save_model(request, obj, form, change)
            action = "cluster.changed" if change else "cluster.registered"
            detail = {"fields": form.changed_data}
            audit.record(actor_from(request), action=action, object_type="cluster", object_id=obj.id, detail=detail)


@admin.register(Database)
class DatabaseAdmin(ReadOnlyAdmin):
    """Databases, with what is being done to them."""

    list_display = ("name", "tenant", "engine", "version", "status", "phase", "plan", "region", "created_at")
    list_filter = ("engine", "state", "phase", "region", "is_live")
    search_fields = ("id", "name", "object_name", "tenant__name")
    list_select_related = ("tenant",)
    readonly_fields = ("status", "operations")

    @admin.display(description="status")
    def status(self, database: Database) -> str:
        """Return the word that customers see."""
        return status_of(database)

    @admin.display(description="operations")
    def operations(self, database: Database) -> SafeString:
        """Return links to the database's operations, the newest first."""
        found = Operation.objects.filter(database=database).order_by("-id")[:20]
        rows = ((operation.pk, operation.kind, operation.state, operation.created_at) for operation in found)
        return format_html_join("", '<div><a href="../../../operation/{}/">{} ({})</a> {}</div>', rows)


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """Operations with their timelines; those that are stuck can be retried."""

    list_display = ("kind", "database", "tenant", "state", "step", "progress", "attempt", "created_at", "finished_at")
    list_filter = ("state", "kind")
    search_fields = ("id", "database__id", "database__name", "tenant__name")
    list_select_related = ("database", "tenant")
    readonly_fields = ("timeline", "background_jobs")
    actions = ("retry",)

    @admin.display(description="timeline")
    def timeline(self, operation: Operation) -> SafeString:
        """Return what happened so far, one line each."""
        rows = format_html_join("", _ROW, (_cells(event) for event in timeline_of(operation)))
        return format_html('<table class="w-full text-left">{}{}</table>', _HEAD, rows)

    @admin.display(description="background jobs")
    def background_jobs(self, operation: Operation) -> SafeString:
        """Return a link to Flower, which shows the messages that carried this id."""
        return format_html('<a href="{}/tasks?search={}" target="_blank">Flower</a>', settings.FLOWER_URL, operation.pk)

    @admin.action(description="Retry (only what is stuck)", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """Let each chosen operation that is stuck go on at its step."""
        actor = actor_from(request)
        for operation in queryset:
            try:
                resume(operation, why=f"Retry by operator {actor.email}.")
            except NotStuck:
                messages.warning(request, f"{operation} is {operation.state}, not stuck: it was left alone.")
                continue
            audit.record(
                actor,
                action="operation.retried",
                object_type="operation",
                object_id=operation.id,
                tenant_id=operation.tenant_id,
            )
            messages.success(request, f"{operation} goes on at {operation.step or 'its first step'}.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Tell whether this operator may retry: who may change operations may."""
        return request.user.has_perm("provisioning.change_operation")


@admin.register(Resource)
class ResourceAdmin(ReadOnlyAdmin):
    """The ledger: what we put into clusters."""

    list_display = ("kind", "namespace", "name", "cluster", "database", "is_gone", "created_at", "gone_at")
    list_filter = ("is_gone", "kind", "cluster")
    search_fields = ("name", "namespace", "uid", "database__id")
    list_select_related = ("cluster", "database")


@admin.register(OperationEvent)
class OperationEventAdmin(ReadOnlyAdmin):
    """All timelines in one list."""

    list_display = ("at", "operation", "event", "step", "attempt", "message")
    list_filter = ("event", "step")
    search_fields = ("operation__id", "message")
    list_select_related = ("operation",)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """When each part of the system last worked."""

    list_display = ("name", "beat_at")
    ordering = ("name",)


_HEAD = SafeString("<tr><th>at</th><th>event</th><th>step</th><th>message</th><th>try</th><th>ms</th></tr>")
_ROW = "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"


def _cells(event: OperationEvent) -> tuple[object, ...]:
    took = "" if event.duration_ms is None else event.duration_ms
    return event.at.strftime("%H:%M:%S.%f")[:-3], event.event, event.step, event.message, event.attempt, took


def flower_address(request: HttpRequest) -> str:
    """Return where Flower is, for the admin's side bar."""
    del request
    return settings.FLOWER_URL
