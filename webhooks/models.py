"""Whom to tell, what there is to tell, and how that went: the outbox. The rows are the truth; messages on the queue are only nudges.

Not here: who writes to it (webhooks.outbox) and who empties it (webhooks.sending).
"""

from django.db import models
from django.db.models import Q

from dbaas.core.encryption import SealedField
from dbaas.core.ids import uuid7


class Endpoint(models.Model):
    """A tenant's own system that wants to be told; the API calls it a webhook."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=1000)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField()
    """Filters: see webhooks.catalogue."""
    is_enabled = models.BooleanField(default=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_because = models.CharField(max_length=200, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    """When the first of the tries failed that have all failed since."""

    secret = SealedField(max_length=250)
    old_secret = SealedField(max_length=250, blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    """Until then messages are signed with both."""

    version = models.PositiveIntegerField(default=1)
    """Goes up with every change; the ETag follows from it."""
    created_by = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "id"], name="webhooks_of_tenant")]

    def __str__(self) -> str:
        return str(self.id)


class Event(models.Model):
    """Something that happened, as it is told: written in the transaction in which it happened, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    """Where the event is also a line of a timeline, or in `GET databases/{id}/events`, the id that it has there."""
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="webhook_events")
    kind = models.CharField(max_length=60)
    body = models.TextField()
    """The very text that is signed and sent."""
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="webhook_events_by_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class DeliveryState(models.TextChoices):
    """How far a delivery has got."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """One event for one endpoint."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=20, default=DeliveryState.PENDING)
    tries = models.PositiveIntegerField(default=0)
    """Since it was asked for: a redelivery counts anew."""

    next_attempt_at = models.DateTimeField(null=True, blank=True)
    """Null once finished."""
    dispatch_after = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.PositiveIntegerField(default=0)
    """Raised by every claim; also the number of the attempt."""
    slot = models.PositiveSmallIntegerField(null=True, blank=True)
    """Which of the endpoint's places it takes while it is being sent: so few at once, so that a slow endpoint holds up itself only."""

    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="one_delivery_per_endpoint_and_event"),
            models.UniqueConstraint(
                fields=["endpoint", "slot"], condition=Q(slot__gte=0), name="one_delivery_per_slot"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="deliveries_due"),
            models.Index(fields=["endpoint", "id"], name="deliveries_of_webhook"),
            models.Index(fields=["finished_at"], name="deliveries_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"


class Attempt(models.Model):
    """One try of one delivery, and how it ended."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    """What the endpoint answered; null where it did not."""
    detail = models.CharField(max_length=600, blank=True)
    """The beginning of its answer, or why there is none; redacted."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="one_attempt_per_number")]

    def __str__(self) -> str:
        return f"{self.number}. {self.outcome}"
