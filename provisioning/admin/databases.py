"""Databases and operations for operators: read only, because rows change through operations alone; a stuck one can be retried.

Clusters are the exception: they are ours to register, change and drain.
"""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from accounts import audit
from accounts.actor import actor_from
from accounts.read_only_admin import ReadOnlyAdmin
from dbaas.core.db import atomic
from provisioning.models import Backup, Cluster, Database, Finding, Heartbeat, Operation, Resource
from provisioning.states import OperationState
from provisioning.statuses import status_of


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


_DATABASE_ROW = (
    "id",
    "state",
    "previous_state",
    "active_operation_id",
    "active_operation_kind",
    "next_operation_id",
    "row_version",
    "reserved_databases",
    "reserved_cpu_millicores",
    "reserved_memory_mib",
    "reserved_storage_gib",
    "created_by",
    "created_at",
    "updated_at",
    "deleted_at",
)


@admin.register(Database)
class DatabaseAdmin(ReadOnlyAdmin):
    """Databases, with what is being done to them."""

    list_display = ("name", "tenant", "engine", "version", "status", "phase", "plan", "region", "created_at")
    list_filter = ("engine", "state", "phase", "region", "is_live")
    search_fields = ("id", "name", "object_name", "tenant__name")
    list_select_related = ("tenant",)
    readonly_fields = ("status", "operations", "backups")
    fieldsets = (
        (None, {"fields": ("name", "tenant", "engine", "version", "running_version", "simulated", "status", "phase")}),
        ("What was done", {"fields": ("operations",)}),
        (
            "For its owner",
            {"fields": ("display_name", "labels", "expires_at", "maintenance_window", "deletion_policy")},
        ),
        ("Backups", {"fields": ("backups", "restorable_from", "restorable_until")}),
        ("Size", {"fields": ("plan", "topology", "cpu_millicores", "memory_mib", "storage_gib", "parameters")}),
        (
            "Access",
            {"fields": ("access_mode", "allowed_cidrs", "endpoint_host", "endpoint_port", "deletion_protection")},
        ),
        ("In the cluster", {"fields": ("region", "cluster", "namespace", "object_name", "object_uid")}),
        ("Row", {"fields": _DATABASE_ROW}),
    )

    @admin.display(description="status")
    def status(self, database: Database) -> str:
        """Return the word that customers see."""
        return status_of(database)

    @admin.display(description="backups")
    def backups(self, database: Database) -> SafeString:
        """Return links to the database's latest backups."""
        found = Backup.objects.filter(database=database).order_by("-id")[:20]
        rows = ((backup.pk, backup.kind, backup.state, backup.created_at) for backup in found)
        return format_html_join("", '<div><a href="../../../backup/{}/">{} ({})</a> {}</div>', rows)

    @admin.display(description="operations")
    def operations(self, database: Database) -> SafeString:
        """Return links to the database's operations, the newest first."""
        found = Operation.objects.filter(database=database).order_by("-id")[:20]
        rows = ((operation.pk, operation.kind, operation.state, operation.created_at) for operation in found)
        return format_html_join("", '<div><a href="../../../operation/{}/">{} ({})</a> {}</div>', rows)


@admin.register(Resource)
class ResourceAdmin(ReadOnlyAdmin):
    """The ledger: what we put into clusters."""

    list_display = ("kind", "namespace", "name", "cluster", "database", "is_gone", "created_at", "gone_at")
    list_filter = ("is_gone", "kind", "cluster")
    search_fields = ("name", "namespace", "uid", "database__id")
    list_select_related = ("cluster", "database")


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    """What does not fit between the ledger and the clusters; open ones have no closing time."""

    list_display = ("what", "about", "cluster", "detail", "first_seen_at", "last_seen_at", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "what", "cluster")
    search_fields = ("about", "detail")
    list_select_related = ("cluster",)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """When each part of the system last worked."""

    list_display = ("name", "beat_at")
    ordering = ("name",)


def is_stuck_chosen(request: HttpRequest) -> bool:
    """Tell whether the list shows stuck operations only, for the admin's side bar."""
    return request.path.endswith("/provisioning/operation/") and request.GET.get("state") == OperationState.STUCK


def is_every_operation_chosen(request: HttpRequest) -> bool:
    """Tell whether the list shows operations of every state, for the admin's side bar."""
    return "/provisioning/operation/" in request.path and not is_stuck_chosen(request)


def flower_address(request: HttpRequest) -> str:
    """Return where Flower is, for the admin's side bar."""
    del request
    return settings.FLOWER_URL
