"""Backups, their policies, and what was noticed of databases between operations: read only, because operations alone change them."""

from django.contrib import admin
from django.template.defaultfilters import filesizeformat

from accounts.read_only_admin import ReadOnlyAdmin
from provisioning.models import Backup, BackupPolicy, DatabaseEvent


@admin.register(Backup)
class BackupAdmin(ReadOnlyAdmin):
    """What databases can be restored from; those of deleted databases too."""

    list_display = ("database", "tenant", "kind", "state", "size", "engine", "version", "taken_at", "created_at")
    list_filter = ("state", "kind", "engine", "cluster")
    search_fields = ("id", "database__id", "database__name", "tenant__name", "snapshot")
    list_select_related = ("database", "tenant")
    fieldsets = (
        (None, {"fields": ("database", "tenant", "kind", "state", "note", "error")}),
        ("Content", {"fields": ("engine", "version", "size", "checksum", "taken_at")}),
        ("In the cluster", {"fields": ("cluster", "namespace", "repository", "snapshot", "run")}),
        ("Row", {"fields": ("id", "operation_id", "created_at", "deleted_at")}),
    )
    readonly_fields = ("size",)

    @admin.display(description="size", ordering="size_bytes")
    def size(self, backup: Backup) -> str:
        """Return the size for people; that it is unknown while it is."""
        return "unknown" if backup.size_bytes is None else filesizeformat(backup.size_bytes)


@admin.register(BackupPolicy)
class BackupPolicyAdmin(ReadOnlyAdmin):
    """When databases are backed up by themselves."""

    list_display = ("database", "schedule", "time_zone", "keep_last", "point_in_time", "is_paused", "applied_at")
    list_filter = ("point_in_time", "is_paused")
    search_fields = ("database__id", "database__name")
    list_select_related = ("database",)


@admin.register(DatabaseEvent)
class DatabaseEventAdmin(ReadOnlyAdmin):
    """Missed backups, expiries that come near."""

    list_display = ("at", "database", "reason", "is_warning", "message")
    list_filter = ("reason", "is_warning")
    search_fields = ("database__id", "database__name", "message")
    list_select_related = ("database",)
