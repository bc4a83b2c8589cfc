"""What tests of webhooks share: endpoints as a member makes them, events as the product tells them, and a way out that is a function."""

from uuid import UUID

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from tenants.models import Tenant
from tests.cast import acting
from webhooks import endpoints, outbox
from webhooks.models import Delivery, Endpoint

URL = "https://hooks.example.com/in"


def webhook_of(owner: User, tenant: Tenant, *events: str, url: str = URL) -> tuple[Endpoint, str]:
    """Return a new webhook of the tenant with its secret; without filters it wants everything."""
    return endpoints.create(acting(owner), tenant.id, url=url, events=events or ["*"])


def happened(tenant: Tenant, kind: str = "operation.failed", *, event_id: UUID | None = None) -> list[Delivery]:
    """Tell that something happened, and return the deliveries that follow from it."""
    before = set(Delivery.objects.values_list("pk", flat=True))
    with atomic():
        outbox.publish(tenant.id, kind, lambda: {"message": "It happened."}, at=SYSTEM_CLOCK.now(), event_id=event_id)
    return list(Delivery.objects.exclude(pk__in=before).order_by("pk"))
