import hashlib
import json
from datetime import timedelta
from typing import Any

import orjson
import pytest

from accounts import audit
from accounts.actor import Actor, Via
from accounts.models import AuditEvent, User
from accounts.trail.sealing import seal_all
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.ids import uuid7
from tenants import audit_log
from tenants.models import Tenant
from tests.cast import Api, acting, body_of, problem, tenant_of


def _items(api: Api, tenant: Tenant, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = body_of(api.get(f"tenants/{tenant.id}/audit-log", **query))["items"]
    return items


def _lines(response: Any) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def test_it_shows_who_did_what_newest_first(api: Api, shop: Tenant, alice: User) -> None:
    api.by(alice).with_headers(X_Request_ID="change-1").patch(f"tenants/{shop.id}", {"display_name": "x"})

    items = _items(api.by(alice), shop)

    changed = next(item for item in items if item["action"] == "tenant.changed")
    assert changed["actor"] == {"id": str(alice.id), "email": alice.email, "via": "session", "credential_id": None}
    assert (changed["object"], changed["request_id"]) == ({"type": "tenant", "id": str(shop.id)}, "change-1")
    assert [item["id"] for item in items] == sorted((item["id"] for item in items), reverse=True)


def test_the_seal_follows_some_seconds_later(api: Api, shop: Tenant, alice: User) -> None:
    before = _items(api.by(alice), shop)

    seal_all()

    after = _items(api.by(alice), shop)
    assert {item["seal"] for item in before} == {None}
    assert [item["seal"]["position"] for item in after] == list(range(len(before), 0, -1))


@pytest.fixture
def history(shop: Tenant, alice: User, bob: User) -> Tenant:
    """Some events by several people, two of them with an API key."""
    key = Actor(user_id=bob.id, email=bob.email, via=Via.API_KEY, credential_id=uuid7())
    for actor, action, outcome in (
        (acting(alice), "database.scale.requested", audit.ALLOWED),
        (key, "database.credentials.read", audit.ALLOWED),
        (key, "databases", audit.REFUSED),
    ):
        audit.record(actor, action=action, object_type="database", object_id="db-1", tenant_id=shop.id, outcome=outcome)
    return shop


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({"action": "member.added"}, {"member.added"}),
        ({"action": "database"}, {"database.scale.requested", "database.credentials.read"}),
        ({"action": "database."}, {"database.scale.requested", "database.credentials.read"}),
        ({"actor": "Bob@example.com"}, {"database.credentials.read", "databases"}),
        ({"object_type": "tenant"}, {"tenant.created"}),
        ({"object_id": "db-1", "actor": "alice@example.com"}, {"database.scale.requested"}),
        ({"outcome": "refused"}, {"databases"}),
        ({"to": "2000-01-01T00:00:00Z"}, set()),
        ({"from": "2000-01-01T00:00:00Z", "object_type": "user"}, {"member.added"}),
        ({"from": "2999-01-01T00:00:00Z"}, set()),
    ],
)
def test_it_can_be_narrowed(api: Api, history: Tenant, alice: User, query: dict[str, str], actions: set[str]) -> None:
    assert {item["action"] for item in _items(api.by(alice), history, **query)} == actions


def test_an_api_key_is_an_actor_of_its_own(api: Api, history: Tenant, alice: User, bob: User) -> None:
    key_id = AuditEvent.objects.exclude(credential_id=None)[0].credential_id

    by_key = _items(api.by(alice), history, actor=str(key_id))
    by_person = _items(api.by(alice), history, actor=str(bob.id))

    assert {item["actor"]["credential_id"] for item in by_key} == {str(key_id)}
    assert by_person == by_key


@pytest.mark.parametrize(
    ("query", "field"),
    [({"from": "yesterday"}, "from"), ({"outcome": "lost"}, "outcome"), ({"action": "a" * 65}, "action")],
)
def test_a_filter_that_makes_no_sense_is_refused(
    api: Api, shop: Tenant, alice: User, query: dict[str, str], field: str
) -> None:
    response = api.by(alice).get(f"tenants/{shop.id}/audit-log", **query)

    assert problem(response) == (400, "request.invalid")
    assert body_of(response)["errors"][0]["field"] == field


def test_it_holds_nothing_of_others(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    tenant_of(charlie, "other")

    text = api.by(alice).get(f"tenants/{shop.id}/audit-log").content.decode()

    assert str(charlie.id) not in text


@pytest.mark.parametrize("as_header", [True, False])
def test_all_of_it_comes_as_lines_oldest_first(
    api: Api, history: Tenant, alice: User, as_header: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "_CHUNK", 2)
    path = f"tenants/{history.id}/audit-log"
    caller = api.by(alice)

    if as_header:
        response = caller.with_headers(Accept="application/x-ndjson").get(path, action="database")
    else:
        response = caller.get(path, action="database", format="ndjson")

    assert response["Content-Type"] == "application/x-ndjson"
    assert [line["action"] for line in _lines(response)] == ["database.scale.requested", "database.credentials.read"]


def test_an_export_goes_on_record_and_is_not_part_of_itself(api: Api, history: Tenant, alice: User) -> None:
    lines = _lines(api.by(alice).get(f"tenants/{history.id}/audit-log", format="ndjson", action="database"))

    exported = AuditEvent.objects.get(action="audit_log.exported")
    assert (exported.actor_id, exported.detail) == (alice.id, {"filters": {"action": "database"}})
    assert "audit_log.exported" not in {line["action"] for line in lines}


def test_an_export_can_be_checked_without_our_code(api: Api, history: Tenant, alice: User) -> None:
    seal_all()

    lines = _lines(api.by(alice).get(f"tenants/{history.id}/audit-log", format="ndjson"))

    digest = "0" * 64
    for line in lines:
        seal = line.pop("seal")
        content = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(f"{digest}\n{history.id}\n{seal['position']}\n{content}".encode()).hexdigest()
        assert digest == seal["digest"]
    assert len(lines) >= 5


@pytest.mark.parametrize("query", [{}, {"format": "ndjson"}])
def test_strangers_and_small_roles_do_not_see_it(
    api: Api, shop: Tenant, bob: User, charlie: User, query: dict[str, str]
) -> None:
    path = f"tenants/{shop.id}/audit-log"

    assert problem(api.by(charlie).get(path, **query)) == (404, "tenant.not_found")
    assert problem(api.by(bob).get(path, **query)) == (403, "permission.denied")


def test_an_export_ends_at_the_moment_it_was_asked_for(shop: Tenant, alice: User) -> None:
    class Yesterday:
        def now(self) -> object:
            return SYSTEM_CLOCK.now() - timedelta(days=1)

    events = audit_log.export(acting(alice), shop.id, audit_log.Wanted(), clock=Yesterday())  # type: ignore[arg-type]

    assert list(events) == []
