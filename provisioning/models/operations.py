"""What is done to databases: operations, their timelines, the ledger of objects, and who was seen working."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from dbaas.core.ids import uuid7
from provisioning.models.clusters import Cluster
from provisioning.models.databases import Database
from provisioning.states import OperationState

_TOKENS = 1_000_000
"""More than any operation is ever claimed: one look a second for a week are 600,000."""


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
    epoch = models.PositiveBigIntegerField(default=0)
    """The database's row version when this operation took it: higher than that of every operation before."""
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

    @property
    def fence(self) -> int:
        """Return a number that rises with every operation of the database, and with every worker that takes one on."""
        return self.epoch * _TOKENS + self.lease_token


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
    """Empty from when the object was asked for until the cluster has answered."""
    asked_at = models.DateTimeField(null=True, blank=True)
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
