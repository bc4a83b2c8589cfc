"""Backups and the policies by which they are made. The copies themselves are the cluster's; these rows say what there is to restore from."""

from django.db import models

from dbaas.core.ids import uuid7
from provisioning.models.clusters import Cluster
from provisioning.models.databases import Database


class BackupPolicy(models.Model):
    """When a database is backed up by itself, and how many of these backups are kept."""

    database = models.OneToOneField(Database, primary_key=True, on_delete=models.CASCADE, related_name="backup_policy")
    schedule = models.CharField(max_length=100)
    """Five cron fields, in `time_zone`."""
    time_zone = models.CharField(max_length=63, default="UTC")
    keep_last = models.PositiveSmallIntegerField(default=7)
    keep_daily = models.PositiveSmallIntegerField(default=0)
    keep_weekly = models.PositiveSmallIntegerField(default=0)
    keep_monthly = models.PositiveSmallIntegerField(default=0)
    point_in_time = models.BooleanField(default=False)
    is_paused = models.BooleanField(default=False)
    applied_at = models.DateTimeField()
    """Since when the cluster goes by it; slots before are nobody's."""

    def __str__(self) -> str:
        return f"{self.schedule} {self.time_zone}"


class Backup(models.Model):
    """One copy of a database's content; it may outlive the database."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, related_name="backups")
    database = models.ForeignKey(Database, on_delete=models.PROTECT, related_name="backups")
    operation_id = models.UUIDField(null=True, blank=True)
    """The operation that took it; null where the schedule did."""
    kind = models.CharField(max_length=20)
    """`manual`, `scheduled`, `safety` (before a restore), `final` (before a deletion)."""
    state = models.CharField(max_length=20)
    """`running`, `succeeded`, `failed`, `deleted` (by somebody, or by retention)."""
    note = models.CharField(max_length=200, blank=True)
    engine = models.CharField(max_length=40)
    version = models.CharField(max_length=63)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="backups")
    namespace = models.CharField(max_length=63)
    snapshot = models.CharField(max_length=253, null=True, blank=True)  # noqa: DJ001 -- unique where known, so unknown must be null
    """Name of the cluster's own object for it; null until it is known."""
    repository = models.CharField(max_length=253, blank=True)
    run = models.CharField(max_length=253, blank=True)
    """Name of the cluster's object that asked for it."""
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    checksum = models.CharField(max_length=100, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)
    """When the copy was whole."""
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "namespace", "snapshot"], name="one_backup_per_snapshot")
        ]
        indexes = [
            models.Index(fields=["tenant", "id"], name="backups_of_tenant"),
            models.Index(fields=["database", "id"], name="backups_of_database"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
