"""The rows that are the truth about databases and the operations on them.

Portable on purpose (SQLite, PostgreSQL, MongoDB): UUIDv7 keys, no time is ever compared-and-swapped, partial indexes only on booleans, no choices on
the engine column. Rows change only through `lease`, `services` and `observations`, by conditional UPDATE; no model has behaviour beyond questions.
"""

from datetime import datetime

from django.db import models
from django.db.models import Q

from dbaas.core.ids import uuid7
from provisioning.states import DatabaseState, OperationState


class Cluster(models.Model):
    """A Kubernetes that we drive: a region's name and how to reach it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=63, unique=True)
    region = models.CharField(max_length=63, db_index=True)
    kubeconfig_path = models.CharField(
        max_length=500,
        blank=True,
        help_text="Path of a kubeconfig file on the workers; empty means in-cluster configuration.",
    )
    context = models.CharField(
        max_length=253, blank=True, help_text="Context in the kubeconfig; empty means its current one."
    )
    storage_class = models.CharField(
        max_length=253, blank=True, help_text="Storage class for databases; empty means the default one."
    )
    external_service_type = models.CharField(
        max_length=20,
        default="LoadBalancer",
        help_text="How databases are exposed on request: LoadBalancer or NodePort.",
    )
    node_address = models.CharField(
        max_length=253, blank=True, help_text="With NodePort: the address at which node ports answer."
    )
    default_access = models.CharField(
        max_length=20,
        default="internal",
        help_text="Access of databases whose request does not say: internal or external.",
    )
    accepts_databases = models.BooleanField(
        default=True, help_text="Switch off to drain: no new databases, the others go on."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.region})"


class Database(models.Model):
    """A customer's database."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, related_name="databases")
    name = models.CharField(max_length=63)
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
        indexes = [models.Index(fields=["tenant", "is_live", "id"], name="databases_of_tenant")]

    def __str__(self) -> str:
        return f"{self.name} ({self.engine})"


class Operation(models.Model):
    """A long-running piece of work on one database: the row is the job, a queue message only a nudge."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, related_name="operations")
    database = models.ForeignKey(Database, on_delete=models.PROTECT, related_name="operations")
    kind = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    """Validated, no secrets."""
    idempotency_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 -- unique where given, so absent must be null
    fingerprint = models.CharField(max_length=64, blank=True)

    state = models.CharField(max_length=20, default=OperationState.QUEUED)
    holds_database = models.BooleanField(default=True)
    """True while it is the one active operation of its database; false for a waiting delete and once finished."""
    step = models.CharField(max_length=80, blank=True)
    """A step's name, never its number: a release may insert a step."""
    step_data = models.JSONField(default=dict)
    attempt = models.PositiveIntegerField(default=0)
    lost_workers = models.PositiveIntegerField(default=0)
    waiting_for = models.CharField(max_length=2000, blank=True)
    progress = models.PositiveSmallIntegerField(default=0)

    next_run_at = models.DateTimeField(null=True, blank=True)
    """Null when finished, stuck, or waiting for another operation to end."""
    dispatch_after = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.PositiveBigIntegerField(default=0)
    wake_seq = models.PositiveBigIntegerField(default=0)
    event_seq = models.PositiveIntegerField(default=0)

    step_started_at = models.DateTimeField(null=True, blank=True)
    step_deadline_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    undo_deadline_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    error_code = models.CharField(max_length=80, blank=True)
    error_detail = models.CharField(max_length=2000, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_by = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["database"], condition=Q(holds_database=True), name="one_active_operation_per_database"
            ),
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="one_operation_per_idempotency_key"),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], name="operations_due"),
            models.Index(fields=["tenant", "id"], name="operations_of_tenant"),
            models.Index(fields=["database", "id"], name="operations_of_database"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class OperationEvent(models.Model):
    """One line of an operation's timeline; written with the change it tells of, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="timeline")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    event = models.CharField(max_length=40)
    step = models.CharField(max_length=80, blank=True)
    message = models.CharField(max_length=2000)
    attempt = models.PositiveIntegerField(default=0)
    lease_token = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operation", "seq"], name="timeline_is_a_sequence")]

    def __str__(self) -> str:
        return f"{self.seq}. {self.step} {self.event}"


class Resource(models.Model):
    """The ledger: every object that we put into a cluster, written here before it is created and with its UID after."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    database = models.ForeignKey(Database, on_delete=models.PROTECT, related_name="ledger")
    operation_id = models.UUIDField()
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="ledger")
    api_version = models.CharField(max_length=80)
    kind = models.CharField(max_length=63)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=63, blank=True)
    is_gone = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "kind", "namespace", "name"], name="one_ledger_line_per_object"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Heartbeat(models.Model):
    """When a part of the system last did its work: health checks and the slow poll read it."""

    name = models.CharField(primary_key=True, max_length=120)
    """`dispatcher`, `watcher:<cluster name>`, ..."""
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, name: str, *, now: datetime) -> None:
        """Write down that `name` worked at `now`."""
        if not cls.objects.filter(pk=name).update(beat_at=now):
            cls.objects.update_or_create(pk=name, defaults={"beat_at": now})
