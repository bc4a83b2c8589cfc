"""That every accepted change really leaves its event in the audit trail: who, what, from where, in the right tenant."""

import re

import pytest

from accounts.models import AuditEvent
from tests.architecture.test_record import ACTION_OF, OPERATION
from tests.cast import Api
from tests.isolation.callers import CALLERS, Case
from tests.isolation.estate import Estate
from tests.isolation.rows import ROWS
from tests.isolation.test_matrix import NAMES, ROUTES, made, send


def _expected(name: str) -> str | None:
    plain = re.sub(r"<\w+:", "<", name)
    if plain not in ACTION_OF and re.fullmatch(r"POST databases/<database_id>/[a-z-]+", plain):
        return OPERATION
    return ACTION_OF.get(plain)


ACCEPTED = [
    name for name in NAMES if not name.startswith("GET ") and ROWS[name].status < 400 and _expected(name) is not None
]


@pytest.mark.parametrize("name", ACCEPTED)
def test_that_what_was_accepted_is_on_record(api: Api, shop: Estate, name: str) -> None:
    case = Case(route=ROUTES[name], row=ROWS[name])
    address, body = made(case.row, shop)
    client = CALLERS["owner"].client(api.with_headers(X_Request_ID="this-one"), shop, case)

    response = send(client, case.route, address, body)

    assert response.status_code == case.row.status, response.content
    events = {event.action: event for event in AuditEvent.objects.filter(request_id="this-one", outcome="allowed")}
    pattern = re.escape(str(_expected(name))).replace("<>", "[a-z_]+")
    (action,) = [action for action in events if re.fullmatch(pattern, action)]
    assert events[action].address == "127.0.0.1"
    assert events[action].object_id or "password-reset" in name  # the row asks for an address that nobody has
    if "tenant_id" in address or "database_id" in address:
        assert events[action].tenant_id == shop.tenant.id


def test_that_most_changes_are_among_those() -> None:
    changes = [name for name in NAMES if not name.startswith("GET ")]

    assert len(ACCEPTED) > len(changes) * 0.6
