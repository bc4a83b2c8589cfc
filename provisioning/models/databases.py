"""What customers have: databases, and what happened to them outside operations."""

from django.db import models
from django.db.models import Q

from dbaas.core.ids import uuid7
from provisioning.models.clusters import Cluster
from provisioning.states import DatabaseState


class Database(models.Model):
    """A customer's database."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, related_name="databases")
    name = models.CharField(max_length=63)
    display_name = models.CharField(max_length=120, blank=True)
    is_live = models.BooleanField(default=True)
    """False once deleted: its name is free again."""
    engine = models.CharField(max_length=40)
    version = models.CharField(max_length=63)
    plan = models.CharField(max_length=40)
    cpu_millicores = models.PositiveIntegerField()
    memory_mib = models.PositiveIntegerField()
    storage_gib = models.PositiveIntegerField()
    topology = models.JSONField()
    region = models.CharField(max_length=63)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="databases")
    namespace = models.CharField(max_length=63)
    object_name = models.CharField(max_length=63)
    labels = models.JSONField(default=dict)
    access_mode = models.CharField(max_length=20)
    allowed_cidrs = models.JSONField(default=list)
    deletion_protection = models.BooleanField(default=False)
    deletion_policy = models.CharField(max_length=20, default="wipe")
    """What a deletion leaves in the cluster: `wipe` nothing, `keep_volumes` the volumes and the password."""
    maintenance_window = models.JSONField(null=True, blank=True)
    """`{"weekday": "sunday", "starts_at": "03:00", "hours": 2}` in UTC: when its owner likes work on it best."""
    parameters = models.JSONField(default=dict)
    """Settings of the server, by name, as they were last applied."""
    expires_at = models.DateTimeField(null=True, blank=True)
    """When it deletes itself."""
    expiry_told_at = models.DateTimeField(null=True, blank=True)
    restorable_from = models.DateTimeField(null=True, blank=True)
    restorable_until = models.DateTimeField(null=True, blank=True)
    """The window of point-in-time recovery, as last observed."""

    state = models.CharField(max_length=20, default=DatabaseState.REQUESTED)
    previous_state = models.CharField(max_length=20, default=DatabaseState.REQUESTED)
    """Where it stood before the active operation; an operation that is undone may go back to it."""
    active_operation_id = models.UUIDField(null=True, blank=True)
    active_operation_kind = models.CharField(max_length=40, blank=True)
    """Its kind, repeated here so that a list of databases needs no join to say what is being done to each."""
    next_operation_id = models.UUIDField(null=True, blank=True)
    """A delete that waits until the active operation has ended."""
    row_version = models.PositiveIntegerField(default=1)
    """Raised by every change that a client can see; the ETag is made from it."""

    reserved_cpu_millicores = models.PositiveIntegerField(default=0)
    reserved_memory_mib = models.PositiveIntegerField(default=0)
    reserved_storage_gib = models.PositiveIntegerField(default=0)
    reserved_databases = models.PositiveIntegerField(default=0)
    """What this database holds of the tenant's quota now; zero again once nothing of it runs."""

    phase = models.CharField(max_length=40, blank=True)
    """KubeDB's own word, as last observed."""
    object_uid = models.CharField(max_length=63, blank=True)
    endpoint_host = models.CharField(max_length=253, blank=True)
    endpoint_port = models.PositiveIntegerField(null=True, blank=True)
    simulated = models.BooleanField(null=True)
    """True where the pocket cluster only plays this engine; null until the cluster has said."""
    running_version = models.CharField(max_length=80, blank=True)
    """What really runs where it differs from `version` (pocket cluster)."""

    created_by = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=Q(is_live=True), name="one_live_database_per_name"
            ),
            models.UniqueConstraint(fields=["cluster", "namespace", "object_name"], name="one_database_per_object"),
        ]
        indexes = [
            models.Index(fields=["tenant", "is_live", "id"], name="databases_of_tenant"),
            models.Index(fields=["expires_at"], name="databases_that_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.engine})"


class DatabaseEvent(models.Model):
    """Something that happened to a database outside any operation: a missed backup, an expiry that comes near."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    database = models.ForeignKey(Database, on_delete=models.CASCADE, related_name="events")
    key = models.CharField(max_length=120)
    """What makes it one event, however often it is noticed, such as `expiry:2026-01-31T00:00:00Z`."""
    at = models.DateTimeField()
    is_warning = models.BooleanField(default=False)
    reason = models.CharField(max_length=60)
    message = models.CharField(max_length=1000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["database", "key"], name="one_event_per_key")]

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
