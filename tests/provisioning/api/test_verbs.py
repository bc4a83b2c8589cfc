"""That every operation that customers ask for by a verb is accepted, replayed and refused by the same rules: taken from the registry."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from provisioning.models import Cluster, Database, Operation
from provisioning.operations import all_workflows
from provisioning.states import DatabaseState
from tenants.models import Quota, Tenant
from tests.cast import Api, body_of, problem
from tests.provisioning.rows import at_rest, backup_of, let_back_up

Ordered = Callable[..., Operation]


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb, and a body with which it may begin."""

    kind: str
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Return the last part of its address."""
        request = all_workflows()[self.kind].request
        assert request is not None
        return request.verb

    @property
    def begins_from(self) -> DatabaseState:
        """Return a state of the database from which it may begin."""
        return min(all_workflows()[self.kind].starts_from)

    def __str__(self) -> str:
        return self.path


BODIES: dict[str, dict[str, Any]] = {
    "backup": {"note": "before the migration"},
    "reconfigure": {"parameters": {"max_connections": 200}},
    "scale": {"plan": "medium", "storage_gib": 40},
    "upgrade": {"version": "18.3"},
}
"""For those that need one."""
VERBS = [
    Verb(kind=workflow.kind, body=BODIES.get(workflow.kind, {}))
    for workflow in all_workflows().values()
    if workflow.request is not None and workflow.request.verb
]
EVERY_VERB = pytest.mark.parametrize("verb", VERBS, ids=str)


@pytest.fixture
def resting(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database on which anything may begin: at rest, with a backup of today."""
    let_back_up(nowhere)
    database = at_rest(ordered())
    backup_of(database)
    return database


def ask(api: Api, database: Database, verb: Verb, *, key: str = "", **body: Any) -> Any:
    caller = api.with_headers(Idempotency_Key=key) if key else api
    return caller.post(f"databases/{database.id}/{verb.path}", {**verb.body, **body})


def let_begin(database: Database, verb: Verb) -> None:
    Database.objects.filter(pk=database.pk).update(state=verb.begins_from)


@EVERY_VERB
def test_that_it_is_accepted(api: Api, alice: User, resting: Database, verb: Verb) -> None:
    let_begin(resting, verb)

    answer = ask(api.by(alice), resting, verb)

    operation = body_of(answer)
    assert answer.status_code == 202, operation
    assert answer["Location"] == f"/api/v1/operations/{operation['id']}"
    assert answer["Retry-After"] == "2"
    assert (operation["kind"], operation["state"]) == (verb.kind, "queued")
    assert operation["database"]["status"] == all_workflows()[verb.kind].status
    resting.refresh_from_db()
    assert (resting.state, str(resting.active_operation_id)) == ("changing", operation["id"])


@EVERY_VERB
def test_that_the_same_request_again_gives_the_same_operation(
    api: Api, alice: User, resting: Database, verb: Verb
) -> None:
    let_begin(resting, verb)

    first = ask(api.by(alice), resting, verb, key="k1")
    again = ask(api.by(alice), resting, verb, key="k1")

    assert (first.status_code, again.status_code) == (202, 202)
    assert body_of(again)["id"] == body_of(first)["id"]
    assert again["Idempotency-Replayed"] == "true"
    assert Operation.objects.filter(kind=verb.kind).count() == 1


@EVERY_VERB
def test_that_a_key_is_good_for_one_request_only(api: Api, alice: User, resting: Database, verb: Verb) -> None:
    let_begin(resting, verb)
    ask(api.by(alice), resting, verb, key="k1")

    answer = ask(api.by(alice), resting, verb, key="k1", another="field")

    assert problem(answer) == (422, "idempotency_key.reused")


@EVERY_VERB
def test_that_another_operation_goes_first(api: Api, alice: User, resting: Database, verb: Verb) -> None:
    running = body_of(ask(api.by(alice), resting, Verb(kind="restart")))["id"]

    answer = ask(api.by(alice), resting, verb)

    assert problem(answer) == (409, "operation.in_progress")
    assert body_of(answer)["operation"] == running
    assert Operation.objects.exclude(kind="provision").count() == 1


@EVERY_VERB
def test_that_the_state_must_allow_it(api: Api, alice: User, resting: Database, verb: Verb) -> None:
    Database.objects.update(state="failed")

    answer = ask(api.by(alice), resting, verb)

    assert problem(answer) == (409, "database.wrong_state")
    assert "this one is failed" in body_of(answer)["detail"]


@EVERY_VERB
def test_that_a_viewer_may_not(api: Api, bob: User, resting: Database, verb: Verb) -> None:
    assert problem(ask(api.by(bob), resting, verb)) == (403, "permission.denied")


@EVERY_VERB
def test_that_to_a_stranger_there_is_no_such_database(api: Api, charlie: User, resting: Database, verb: Verb) -> None:
    assert problem(ask(api.by(charlie), resting, verb)) == (404, "database.not_found")
    assert problem(api.by(charlie).post(f"databases/{uuid4()}/{verb.path}", verb.body)) == (404, "database.not_found")


@EVERY_VERB
def test_that_nobody_is_turned_away_first(api: Api, resting: Database, verb: Verb) -> None:
    assert ask(api, resting, verb).status_code == 401


@EVERY_VERB
def test_that_a_refusal_leaves_everything_as_it_was(
    api: Api, alice: User, shop: Tenant, resting: Database, verb: Verb
) -> None:
    quota = Quota.objects.values().get(tenant=shop)
    Database.objects.update(state="failed")

    ask(api.by(alice), resting, verb)

    row = Database.objects.get()
    assert (row.state, row.active_operation_id, row.row_version) == ("failed", None, resting.row_version)
    assert Quota.objects.values().get(tenant=shop) == quota
    assert not Operation.objects.filter(kind=verb.kind).exists()


BAD_BODIES = [
    ("scale", {"plan": "huge"}, "plan", "unknown_plan"),
    ("scale", {"plan": "small"}, "", "nothing_to_do"),
    ("scale", {"cpu_millicores": -1}, "cpu_millicores", "min_value"),
    ("scale", {"cpu_millicores": "many"}, "cpu_millicores", "invalid"),
    ("scale", {"storage_gib": 1}, "storage_gib", "cannot_shrink"),
    ("scale", {"topology": "large"}, "topology", "not_a_dict"),
    ("scale", {"topology": {"mode": "replicated"}}, "topology.mode", "cannot_change"),
    ("upgrade", {}, "version", "required"),
    ("upgrade", {"version": "9.6"}, "version", "unsupported_upgrade"),
    ("upgrade", {"version": "18.3", "force": "perhaps"}, "force", "invalid"),
    ("reconfigure", {}, "parameters", "required"),
    ("reconfigure", {"parameters": {"fsync": "off"}}, "parameters.fsync", "unknown_parameter"),
    ("reconfigure", {"parameters": {"work_mem": 1}}, "parameters.work_mem", "out_of_range"),
    ("reconfigure", {"parameters": {}}, "parameters", "nothing_to_do"),
    ("restore", {"backup": "the latest"}, "backup", "invalid"),
    ("backup", {"note": "x" * 201}, "note", "max_length"),
]


@pytest.mark.parametrize(("kind", "body", "path", "code"), BAD_BODIES)
def test_that_a_body_that_cannot_be_done_says_what_to_change(
    api: Api, alice: User, resting: Database, kind: str, body: dict[str, Any], path: str, code: str
) -> None:
    verb = Verb(kind=kind, body=body)

    answer = ask(api.by(alice), resting, verb)

    assert answer.status_code == 400, answer.content
    assert [(error["field"], error["code"]) for error in body_of(answer)["errors"]] == [(path, code)]
    assert Database.objects.get().state == "ready"


def test_that_more_than_the_quota_is_refused(api: Api, alice: User, shop: Tenant, resting: Database) -> None:
    Quota.objects.filter(tenant=shop).update(max_cpu_millicores=2000)

    answer = ask(api.by(alice), resting, Verb(kind="scale", body={"plan": "medium"}))

    assert problem(answer) == (422, "quota.exceeded")
    assert Database.objects.get().state == "ready"


def test_that_an_upgrade_wants_a_backup_of_today_unless_it_is_forced(api: Api, alice: User, resting: Database) -> None:
    resting.backups.all().delete()
    verb = Verb(kind="upgrade", body=BODIES["upgrade"])

    refused = ask(api.by(alice), resting, verb)
    forced = ask(api.by(alice), resting, verb, force=True)

    assert problem(refused) == (409, "database.no_recent_backup")
    assert forced.status_code == 202


def test_that_a_restore_wants_a_backup_of_this_database(api: Api, alice: User, resting: Database) -> None:
    answer = ask(api.by(alice), resting, Verb(kind="restore"), backup=str(uuid4()))

    assert problem(answer) == (409, "backup.not_usable")


def test_that_a_region_without_storage_takes_no_backup(api: Api, alice: User, resting: Database) -> None:
    Cluster.objects.update(backup_driver="")

    assert problem(ask(api.by(alice), resting, Verb(kind="backup"))) == (409, "backup.not_available")
