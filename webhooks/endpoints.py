"""Make and change webhooks. A webhook's secret is shown when it is made, and never again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet

from accounts import audit
from accounts.actor import Actor
from accounts.permissions import Permission
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.encryption import seal, unseal
from dbaas.core.errors import Conflict, NotFound, Stale
from dbaas.core.ids import uuid7
from tenants.access import require
from webhooks.ending import end_pending
from webhooks.models import Endpoint
from webhooks.reach import address_policy
from webhooks.signing import new_secret
from webhooks.targets import host_of, parse

OLD_SECRET_LASTS = timedelta(hours=24)


class WebhookNotFound(NotFound):
    """The tenant has no such webhook: list them with GET /api/v1/tenants/{id}/webhooks."""

    code = "webhook.not_found"


class TooManyWebhooks(Conflict):
    """The tenant has as many webhooks as it may have: remove one, or let one serve more events."""

    code = "webhook.too_many"


def endpoints_of(actor: Actor, tenant_id: UUID) -> QuerySet[Endpoint]:
    """Return the tenant's webhooks.

    Raises: TenantNotFound, Forbidden.
    """
    require(actor, tenant_id, Permission.WEBHOOKS_READ)
    return Endpoint.objects.filter(tenant_id=tenant_id)


def endpoint_of(
    actor: Actor, tenant_id: UUID, endpoint_id: UUID, permission: Permission = Permission.WEBHOOKS_READ
) -> Endpoint:
    """Return one webhook, if the actor may do this with it.

    Raises: TenantNotFound, Forbidden, TenantSuspended. WebhookNotFound.
    """
    require(actor, tenant_id, permission)
    found = Endpoint.objects.filter(tenant_id=tenant_id, id=endpoint_id).first()
    if found is None:
        raise WebhookNotFound
    return found


def create(
    actor: Actor,
    tenant_id: UUID,
    *,
    url: str,
    events: Sequence[str],
    description: str = "",
    enabled: bool = True,
    clock: Clock = SYSTEM_CLOCK,
) -> tuple[Endpoint, str]:
    """Make a webhook; returns it with its secret. Two requests at the same moment may exceed the limit by one, which harms nobody.

    Raises: TenantNotFound, Forbidden, TenantSuspended. UrlRefused. TooManyWebhooks.
    """
    require(actor, tenant_id, Permission.WEBHOOKS_WRITE)
    parse(url, address_policy())
    if Endpoint.objects.filter(tenant_id=tenant_id).count() >= settings.WEBHOOKS_PER_TENANT:
        raise TooManyWebhooks(extra={"limit": settings.WEBHOOKS_PER_TENANT})
    now = clock.now()
    endpoint = Endpoint(
        id=uuid7(),
        tenant_id=tenant_id,
        url=url,
        events=_once(events),
        description=description,
        is_enabled=enabled,
        created_by=actor.user_id,
        created_at=now,
        updated_at=now,
    )
    secret = new_secret()
    seal(endpoint, "secret", secret)
    with atomic():
        endpoint.save(force_insert=True)
        _record(actor, "webhook.created", endpoint, host=host_of(url), events=endpoint.events)
    return endpoint, secret


def change(
    actor: Actor,
    tenant_id: UUID,
    endpoint_id: UUID,
    *,
    expected_version: int | None = None,
    clock: Clock = SYSTEM_CLOCK,
    **fields: Any,
) -> Endpoint:
    """Change URL, filters, description, or whether it is enabled; to enable it is also to forget that it failed.

    Raises: TenantNotFound, Forbidden, TenantSuspended. WebhookNotFound. UrlRefused. Stale — it is no longer at `expected_version`.
    """
    endpoint = endpoint_of(actor, tenant_id, endpoint_id, Permission.WEBHOOKS_WRITE)
    if "url" in fields:
        parse(fields["url"], address_policy())
    now = clock.now()
    columns = {name: value for name, value in fields.items() if name != "enabled"}
    if "events" in fields:
        columns["events"] = _once(fields["events"])
    enabled = fields.get("enabled", endpoint.is_enabled)
    if enabled != endpoint.is_enabled:
        columns |= _switched(enabled=enabled, now=now)
    expected = {} if expected_version is None else {"version": expected_version}
    with atomic():
        row = Endpoint.objects.filter(pk=endpoint.pk, **expected)
        if not row.update(**columns, version=F("version") + 1, updated_at=now):
            raise Stale
        if not enabled:
            end_pending(endpoint.pk, now=now)
        _record(
            actor, "webhook.changed", endpoint, fields=sorted(fields), host=host_of(fields.get("url", endpoint.url))
        )
    return endpoint_of(actor, tenant_id, endpoint_id, Permission.WEBHOOKS_WRITE)


def _once(events: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(events))


def _switched(*, enabled: bool, now: datetime) -> dict[str, Any]:
    if enabled:
        return {"is_enabled": True, "disabled_at": None, "disabled_because": "", "failing_since": None}
    return {"is_enabled": False, "disabled_at": now, "disabled_because": "It was switched off by a member."}


def remove(actor: Actor, tenant_id: UUID, endpoint_id: UUID) -> None:
    """Take a webhook away, with the log of its deliveries.

    Raises: TenantNotFound, Forbidden, TenantSuspended. WebhookNotFound.
    """
    endpoint = endpoint_of(actor, tenant_id, endpoint_id, Permission.WEBHOOKS_WRITE)
    with atomic():
        _record(actor, "webhook.removed", endpoint, host=host_of(endpoint.url))
        Endpoint.objects.filter(pk=endpoint.pk).delete()


def rotate_secret(
    actor: Actor, tenant_id: UUID, endpoint_id: UUID, *, clock: Clock = SYSTEM_CLOCK
) -> tuple[Endpoint, str]:
    """Give the webhook a new secret and return it; for a day messages are signed with the old one as well.

    Raises: TenantNotFound, Forbidden, TenantSuspended. WebhookNotFound. Stale — somebody else changed it at the same moment.
    """
    endpoint = endpoint_of(actor, tenant_id, endpoint_id, Permission.WEBHOOKS_WRITE)
    now, secret = clock.now(), new_secret()
    seal(endpoint, "old_secret", unseal(endpoint, "secret"))
    seal(endpoint, "secret", secret)
    with atomic():
        unchanged = Endpoint.objects.filter(pk=endpoint.pk, version=endpoint.version)
        if not unchanged.update(
            secret=endpoint.secret,
            old_secret=endpoint.old_secret,
            old_secret_until=now + OLD_SECRET_LASTS,
            version=F("version") + 1,
            updated_at=now,
        ):
            raise Stale
        _record(actor, "webhook.secret_rotated", endpoint)
    return endpoint_of(actor, tenant_id, endpoint_id, Permission.WEBHOOKS_WRITE), secret


def secrets_of(endpoint: Endpoint, *, now: datetime) -> list[str]:
    """Return the secrets to sign with now, the newest first."""
    found = [unseal(endpoint, "secret")]
    if endpoint.old_secret_until is not None and endpoint.old_secret_until > now:
        found.append(unseal(endpoint, "old_secret"))
    return found


def _record(actor: Actor, action: str, endpoint: Endpoint, **detail: Any) -> None:
    audit.record(
        actor,
        action=action,
        object_type="webhook",
        object_id=endpoint.id,
        tenant_id=endpoint.tenant_id,
        detail=detail,
    )
