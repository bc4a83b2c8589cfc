"""The log of deliveries, and what a member may ask of it: send one again, or a test."""

from uuid import UUID

from django.db.models import QuerySet

from accounts import audit
from accounts.actor import Actor
from accounts.permissions import Permission
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.errors import Conflict, NotFound
from webhooks.catalogue import TEST
from webhooks.endpoints import endpoint_of
from webhooks.models import Attempt, Delivery, DeliveryState, Endpoint
from webhooks.outbox import new_delivery, write_event


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery, or it was so long ago that it is forgotten."""

    code = "webhook.delivery_not_found"


class WebhookDisabled(Conflict):
    """The webhook is switched off: enable it first, with PATCH and `"enabled": true`."""

    code = "webhook.disabled"


class DeliveryUnderWay(Conflict):
    """The message is being sent at this moment: look at the delivery again in a minute."""

    code = "webhook.delivery_under_way"


def deliveries_of(actor: Actor, tenant_id: UUID, endpoint_id: UUID) -> QuerySet[Delivery]:
    """Return what was sent to the webhook, or will be.

    Raises: TenantNotFound, Forbidden. WebhookNotFound.
    """
    endpoint = endpoint_of(actor, tenant_id, endpoint_id)
    return Delivery.objects.filter(endpoint=endpoint).select_related("event")


def delivery_of(
    actor: Actor,
    tenant_id: UUID,
    endpoint_id: UUID,
    delivery_id: UUID,
    permission: Permission = Permission.WEBHOOKS_READ,
) -> Delivery:
    """Return one delivery with its event, if the actor may do this with it.

    Raises: TenantNotFound, Forbidden. WebhookNotFound, DeliveryNotFound.
    """
    endpoint = endpoint_of(actor, tenant_id, endpoint_id, permission)
    found = Delivery.objects.filter(endpoint=endpoint, pk=delivery_id).select_related("event").first()
    if found is None:
        raise DeliveryNotFound
    return found


def attempts_of(delivery: Delivery) -> QuerySet[Attempt]:
    """Return the delivery's tries, the first one first."""
    return Attempt.objects.filter(delivery=delivery).order_by("number")


def redeliver(
    actor: Actor, tenant_id: UUID, endpoint_id: UUID, delivery_id: UUID, *, clock: Clock = SYSTEM_CLOCK
) -> Delivery:
    """Send the same message again, with the same id, now; where it still waits for its next try, at once.

    Raises: TenantNotFound, Forbidden, TenantSuspended. WebhookNotFound, DeliveryNotFound. WebhookDisabled. DeliveryUnderWay.
    """
    endpoint = _enabled(actor, tenant_id, endpoint_id)
    delivery = delivery_of(actor, tenant_id, endpoint_id, delivery_id, Permission.WEBHOOKS_WRITE)
    now = clock.now()
    with atomic():
        unchanged = Delivery.objects.filter(pk=delivery.pk, lease_token=delivery.lease_token, lease_until=None)
        if not unchanged.update(
            state=DeliveryState.PENDING, tries=0, next_attempt_at=now, dispatch_after=None, finished_at=None
        ):
            raise DeliveryUnderWay
        _record(actor, "webhook.redelivered", endpoint, delivery)
    return delivery_of(actor, tenant_id, endpoint_id, delivery_id, Permission.WEBHOOKS_WRITE)


def send_test(actor: Actor, tenant_id: UUID, endpoint_id: UUID, *, clock: Clock = SYSTEM_CLOCK) -> Delivery:
    """Send a message of the type `webhook.test`, whatever the filters.

    Raises: TenantNotFound, Forbidden, TenantSuspended. WebhookNotFound. WebhookDisabled.
    """
    endpoint = _enabled(actor, tenant_id, endpoint_id)
    now = clock.now()
    content = {"webhook": {"id": endpoint.pk}, "message": "This is a test."}
    with atomic():
        delivery = new_delivery(endpoint.pk, write_event(tenant_id, TEST, content, at=now), now)
        delivery.save(force_insert=True)
        _record(actor, "webhook.tested", endpoint, delivery)
    return delivery


def _enabled(actor: Actor, tenant_id: UUID, endpoint_id: UUID) -> Endpoint:
    endpoint = endpoint_of(actor, tenant_id, endpoint_id, Permission.WEBHOOKS_WRITE)
    if not endpoint.is_enabled:
        raise WebhookDisabled
    return endpoint


def _record(actor: Actor, action: str, endpoint: Endpoint, delivery: Delivery) -> None:
    audit.record(
        actor,
        action=action,
        object_type="webhook",
        object_id=endpoint.id,
        tenant_id=endpoint.tenant_id,
        detail={"delivery": str(delivery.pk)},
    )
