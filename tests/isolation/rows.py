"""The explicit half of the matrix: for every route how its object and a body that is accepted are made, and what the answer then is.

Who may is not said here: that follows from the permission table. A new route needs a row; `test_that_no_route_is_without_a_row` says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.permissions import Permission
from tests.isolation.estate import Estate, key_of

_Made = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One route."""

    status: int = 200
    """The answer to who may."""
    address: Callable[[Estate], _Made] = lambda _estate: {}
    """The values in the path; of the caller's own things if `is_own`."""
    body: Callable[[Estate], _Made] | None = None
    really: Permission | None = None
    """What the service asks, where it depends on more than the route."""
    also: tuple[Permission, ...] = ()
    """What this body needs besides."""
    of_operator: int | None = None
    """The answer to an operator, where the route is for operators' own accounts."""
    is_own: bool = False
    """The object is a person's own, not a tenant's."""


def _tenant(estate: Estate) -> _Made:
    return {"tenant_id": estate.tenant.id}


def _member(estate: Estate) -> _Made:
    return {"tenant_id": estate.tenant.id, "user_id": estate.member.id}


def _database(estate: Estate) -> _Made:
    return {"database_id": estate.database.id}


def _verb(body: Callable[[Estate], _Made] = lambda _estate: {}) -> Row:
    return Row(status=202, address=_database, body=body)


def _exactly(body: _Made) -> Callable[[Estate], _Made]:
    return lambda _estate: dict(body)


def _webhook(estate: Estate) -> _Made:
    return {"tenant_id": estate.tenant.id, "webhook_id": estate.webhook.id}


def _delivery(estate: Estate) -> _Made:
    return {**_webhook(estate), "delivery_id": estate.delivery.id}


_WEBHOOKS = "tenants/<uuid:tenant_id>/webhooks"
_WEBHOOK = f"{_WEBHOOKS}/<uuid:webhook_id>"


def _invitation(estate: Estate) -> _Made:
    return {"tenant_id": estate.tenant.id, "invitation_id": estate.invitation.id}


_PASSWORD = {"password": "a long pass phrase"}
_LOGIN = {"email": "nobody@example.com", "password": "a long pass phrase"}
_TOKEN = {"refresh": "not-a-token"}
_POLICY = {"schedule": "0 2 * * *"}

ROWS: dict[str, Row] = {
    "POST auth/register": Row(status=201, body=_exactly(_LOGIN)),
    "POST auth/login": Row(status=401, body=_exactly(_LOGIN)),
    "POST auth/refresh": Row(status=401, body=_exactly(_TOKEN)),
    "POST auth/logout": Row(status=401, body=_exactly(_TOKEN)),
    "POST auth/logout-everywhere": Row(status=204, body=_exactly({})),
    "POST auth/password": Row(
        body=_exactly({"current_password": "a long pass phrase", "new_password": "an even longer pass phrase"})
    ),
    "POST auth/password-reset": Row(status=204, body=_exactly({"email": "nobody@example.com"})),
    "POST auth/password-reset/confirm": Row(
        status=404, body=_exactly({"token": "not-a-token", "new_password": "an even longer pass phrase"})
    ),
    "GET auth/second-factor": Row(),
    "POST auth/second-factor": Row(status=403, of_operator=201, body=_exactly({})),
    "POST auth/second-factor/confirm": Row(status=409, body=_exactly({"code": "000000"})),
    "POST auth/second-factor/remove": Row(status=409, body=_exactly({"code": "000000"})),
    "GET auth/me": Row(),
    "GET auth/api-keys": Row(),
    "POST auth/api-keys": Row(status=201, body=_exactly({"name": "another", "scopes": ["keys:write"]})),
    "DELETE auth/api-keys/<uuid:key_id>": Row(
        status=204, address=lambda estate: {"key_id": key_of(estate.owner).id}, is_own=True
    ),
    "GET tenants": Row(),
    "POST tenants": Row(status=201, body=_exactly({"name": "third"})),
    "GET tenants/<uuid:tenant_id>": Row(address=_tenant),
    "PATCH tenants/<uuid:tenant_id>": Row(address=_tenant, body=_exactly({"display_name": "New"})),
    "GET tenants/<uuid:tenant_id>/quota": Row(address=_tenant),
    "GET tenants/<uuid:tenant_id>/audit-log": Row(address=_tenant),
    "GET tenants/<uuid:tenant_id>/members": Row(address=_tenant),
    "GET tenants/<uuid:tenant_id>/invitations": Row(address=_tenant),
    "POST tenants/<uuid:tenant_id>/invitations": Row(
        status=201, address=_tenant, body=_exactly({"email": "stray@example.com", "role": "viewer"})
    ),
    "DELETE tenants/<uuid:tenant_id>/invitations/<uuid:invitation_id>": Row(status=204, address=_invitation),
    "POST tenants/<uuid:tenant_id>/invitations/<uuid:invitation_id>/resend": Row(
        address=_invitation, body=_exactly({})
    ),
    # whoever calls, the token is nobody's: invitations of one's own are in tests.tenants.test_invitations
    "POST invitations/accept": Row(status=404, body=_exactly({"token": "not-a-token"})),
    "POST invitations/register": Row(status=404, body=_exactly({"token": "not-a-token", **_PASSWORD})),
    "PATCH tenants/<uuid:tenant_id>/members/<uuid:user_id>": Row(address=_member, body=_exactly({"role": "developer"})),
    "DELETE tenants/<uuid:tenant_id>/members/<uuid:user_id>": Row(
        status=204, address=_member, really=Permission.MEMBERS_MANAGE
    ),
    "GET databases": Row(),
    "POST databases": Row(
        status=202,
        body=lambda estate: {"tenant": str(estate.tenant.id), "name": "new", "restore_from": _origin(estate)},
        also=(Permission.BACKUPS_READ,),
    ),
    "GET databases/<uuid:database_id>": Row(address=_database),
    "PATCH databases/<uuid:database_id>": Row(address=_database, body=_exactly({"labels": {"team": "shop"}})),
    "DELETE databases/<uuid:database_id>": Row(status=202, address=_database),
    # no cluster answers here: what these say shows that the question got past every check of ours
    "GET databases/<uuid:database_id>/credentials": Row(status=409, address=_database),
    "GET databases/<uuid:database_id>/logs": Row(status=409, address=_database),
    "GET databases/<uuid:database_id>/events": Row(address=_database),
    "GET databases/<uuid:database_id>/metrics": Row(address=_database),
    "GET databases/<uuid:database_id>/operations": Row(address=_database),
    "GET databases/<uuid:database_id>/backups": Row(address=_database),
    "GET databases/<uuid:database_id>/backup-policy": Row(address=lambda estate: {"database_id": estate.backed_up.id}),
    "PUT databases/<uuid:database_id>/backup-policy": Row(status=202, address=_database, body=_exactly(_POLICY)),
    "POST databases/<uuid:database_id>/backup": _verb(),
    "POST databases/<uuid:database_id>/pause": _verb(),
    "POST databases/<uuid:database_id>/reconfigure": _verb(_exactly({"parameters": {"max_connections": 200}})),
    "POST databases/<uuid:database_id>/restart": _verb(),
    "POST databases/<uuid:database_id>/restore": _verb(lambda estate: {"backup": str(estate.backup.id)}),
    "POST databases/<uuid:database_id>/resume": Row(
        status=202, address=lambda estate: {"database_id": estate.paused.id}, body=_exactly({})
    ),
    "POST databases/<uuid:database_id>/rotate-credentials": _verb(),
    "POST databases/<uuid:database_id>/scale": _verb(_exactly({"plan": "medium"})),
    "POST databases/<uuid:database_id>/upgrade": Row(
        status=202,
        address=lambda estate: {"database_id": estate.backup.database_id},
        body=_exactly({"version": "18.3"}),
    ),
    "GET backups": Row(),
    "GET backups/<uuid:backup_id>": Row(address=lambda estate: {"backup_id": estate.backup.id}),
    "DELETE backups/<uuid:backup_id>": Row(status=202, address=lambda estate: {"backup_id": estate.backup.id}),
    "GET operations": Row(),
    "GET operations/<uuid:operation_id>": Row(address=lambda estate: {"operation_id": estate.operation.id}),
    "POST operations/<uuid:operation_id>/cancel": Row(
        status=202, address=lambda estate: {"operation_id": estate.operation.id}, body=_exactly({})
    ),
    "POST operations/<uuid:operation_id>/retry": Row(
        status=202, address=lambda estate: {"operation_id": estate.stuck.id}, body=_exactly({})
    ),
    f"GET {_WEBHOOKS}": Row(address=_tenant),
    f"POST {_WEBHOOKS}": Row(
        status=201, address=_tenant, body=_exactly({"url": "https://example.com/hook", "events": ["*"]})
    ),
    f"GET {_WEBHOOK}": Row(address=_webhook),
    f"PATCH {_WEBHOOK}": Row(address=_webhook, body=_exactly({"description": "New"})),
    f"DELETE {_WEBHOOK}": Row(status=204, address=_webhook),
    f"POST {_WEBHOOK}/rotate-secret": Row(address=_webhook, body=_exactly({})),
    f"POST {_WEBHOOK}/test": Row(status=202, address=_webhook, body=_exactly({})),
    f"GET {_WEBHOOK}/deliveries": Row(address=_webhook),
    f"GET {_WEBHOOK}/deliveries/<uuid:delivery_id>": Row(address=_delivery),
    f"POST {_WEBHOOK}/deliveries/<uuid:delivery_id>/redeliver": Row(status=202, address=_delivery, body=_exactly({})),
    "GET engines": Row(),
    "GET engines/<str:name>/versions": Row(address=lambda _estate: {"name": "postgres"}),
    "GET plans": Row(),
    "GET regions": Row(),
}


def _origin(estate: Estate) -> _Made:
    return {"backup": str(estate.backup.id)}
