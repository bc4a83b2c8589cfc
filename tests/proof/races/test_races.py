"""Races over the real services and views, in real threads with connections of their own: whoever wins, exactly one does, and sums are right.

Two or eight of a kind are raced in the services' own tests; here they are fifty, and go through HTTP where HTTP has a say.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.http import HttpResponse

from accounts import sessions
from accounts.actor import Origin
from accounts.models import RefreshSession, User
from provisioning.advance import advance
from provisioning.models import Cluster, Database, Operation, OperationEvent
from tenants.models import Quota, Tenant
from tests.cast import PASSWORD, Api, body_of
from tests.proof.crashes.checks import check_custom_resources, check_ledger
from tests.proof.crashes.world import World, world
from tests.proof.races.racing import (
    RACED,
    AtOnce,
    answers_to,
    check_delete_goes_next,
    check_one_holds,
    check_quota_is_the_sum,
    check_timeline,
    told,
)
from tests.provisioning.rows import at_rest

Ordered = Callable[..., Operation]

pytestmark = pytest.mark.usefixtures("shared_database")

MANY = 50
SOME = 20
ROUNDS = 5
"""Where the window is narrow, one round may miss it."""


@pytest.fixture
def resting(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database that is ready."""
    del nowhere
    return at_rest(ordered())


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("limit", "granted"), [({"max_databases": 7}, 7), ({"max_memory_mib": 10_000}, 4), ({"max_storage_gib": 55}, 5)]
)
def test_that_creates_at_the_quota_s_edge_get_exactly_the_quota(
    api: Api, alice: User, shop: Tenant, at_once: AtOnce, limit: dict[str, int], granted: int
) -> None:
    Quota.objects.filter(tenant=shop).update(
        **{"max_databases": 1000, "max_cpu_millicores": 10**6, "max_memory_mib": 10**6, "max_storage_gib": 10**6}
        | limit
    )
    wish = {"tenant": str(shop.id), "engine": "postgres"}

    answers = answers_to(at_once, [order(api.by(alice), {**wish, "name": f"db{number}"}) for number in range(MANY)])

    assert told(answers) == {(202, ""): granted, (422, "quota.exceeded"): MANY - granted}
    assert Database.objects.count() == Operation.objects.count() == granted
    check_quota_is_the_sum()


def order(caller: Api, body: dict[str, Any]) -> Callable[[], HttpResponse]:
    """Return the call that orders a database."""
    return lambda: caller.post("databases", body)


@pytest.mark.usefixtures("nowhere")
def test_that_one_idempotency_key_makes_one_database(api: Api, alice: User, shop: Tenant, at_once: AtOnce) -> None:
    body = {"tenant": str(shop.id), "engine": "postgres", "name": "orders"}
    caller = api.by(alice).with_headers(Idempotency_Key="one-and-only")

    answers = answers_to(at_once, [order(caller, body)] * MANY)

    assert told(answers) == {(202, ""): MANY}
    assert {body_of(answer)["id"] for answer in answers} == {str(Operation.objects.get().id)}
    assert Counter(answer.headers.get("Idempotency-Replayed") for answer in answers) == {None: 1, "true": MANY - 1}
    assert Database.objects.count() == 1
    check_quota_is_the_sum()


def test_that_scale_and_delete_at_once_leave_one_holder(
    api: Api, alice: User, nowhere: Cluster, ordered: Ordered, at_once: AtOnce
) -> None:
    del nowhere
    Quota.objects.update(max_databases=100, max_cpu_millicores=10**6, max_memory_mib=10**6, max_storage_gib=10**6)
    databases = [at_rest(ordered(f"db{number}")) for number in range(SOME)]
    caller = api.by(alice)

    answers = answers_to(
        at_once,
        [
            call
            for database in databases
            for call in (
                lambda pk=database.id: caller.post(f"databases/{pk}/scale", {"storage_gib": 20}),
                lambda pk=database.id: caller.delete(f"databases/{pk}"),
            )
        ],
    )

    assert set(told(answers)) <= {(202, ""), (409, "operation.in_progress")}
    for database, deleted in zip(databases, answers[1::2], strict=True):
        check_one_holds(database.id)
        deletions = Operation.objects.filter(database=database, kind="delete")
        assert deletions.count() == (deleted.status_code == 202)
        check_delete_goes_next(database.id)
    check_quota_is_the_sum()


def test_that_deletes_at_once_are_one_deletion(api: Api, alice: User, resting: Database, at_once: AtOnce) -> None:
    caller = api.by(alice)

    answers = answers_to(at_once, [lambda: caller.delete(f"databases/{resting.id}")] * SOME)

    assert set(told(answers)) <= {(202, ""), (409, "operation.in_progress")}
    deletion = Operation.objects.get(kind="delete")
    assert {body_of(answer)["id"] for answer in answers if answer.status_code == 202} == {str(deletion.id)}
    check_one_holds(resting.id)


def test_that_deletes_behind_a_running_operation_are_one_deletion(
    api: Api, alice: User, nowhere: Cluster, ordered: Ordered, at_once: AtOnce
) -> None:
    del nowhere
    running, caller = ordered(), api.by(alice)

    answers = answers_to(at_once, [lambda: caller.delete(f"databases/{running.database_id}")] * SOME)

    assert set(told(answers)) <= {(202, ""), (409, "operation.in_progress")}
    deletion = Operation.objects.get(kind="delete")
    assert Database.objects.get().next_operation_id == deletion.id
    assert OperationEvent.objects.filter(operation=running, event="cancel_requested").count() == 1
    check_one_holds(running.database_id)


def test_that_one_refresh_token_gives_one_new_pair(api: Api, alice: User, at_once: AtOnce) -> None:
    here = Origin(address="192.0.2.1", request_id="test")
    for _ in range(ROUNDS):
        pair = sessions.log_in(email=alice.email, password=PASSWORD, origin=here)

        answers = answers_to(at_once, [lambda old=pair.refresh: api.post("auth/refresh", {"refresh": old})] * SOME)  # type: ignore[misc] # bound per turn

        assert told(answers) == {(200, ""): 1, (401, "auth.token_reused"): SOME - 1}
        (winner,) = [body_of(answer)["refresh"] for answer in answers if answer.status_code == 200]
        assert told([api.post("auth/refresh", {"refresh": winner})]) == {(401, "auth.session_ended"): 1}
        assert not RefreshSession.objects.filter(revoked_at=None).exists()


def test_that_retries_at_once_are_one_retry(
    api: Api, alice: User, nowhere: Cluster, ordered: Ordered, at_once: AtOnce
) -> None:
    del nowhere
    stuck, caller = ordered(), api.by(alice)
    Operation.objects.update(state="stuck", next_run_at=None, error_code="test.refused")

    answers = answers_to(at_once, [lambda: caller.post(f"operations/{stuck.id}/retry")] * SOME)

    assert told(answers) == {(202, ""): 1, (409, "operation.not_stuck"): SOME - 1}
    assert OperationEvent.objects.filter(operation=stuck, event="resumed").count() == 1
    check_timeline(stuck.id)


def test_that_a_retry_and_a_delete_of_a_stuck_operation_agree(
    api: Api, alice: User, nowhere: Cluster, ordered: Ordered, at_once: AtOnce
) -> None:
    del nowhere
    Quota.objects.update(max_databases=100, max_cpu_millicores=10**6, max_memory_mib=10**6, max_storage_gib=10**6)
    stuck, caller = [ordered(f"db{number}") for number in range(SOME)], api.by(alice)
    Operation.objects.update(state="stuck", next_run_at=None, error_code="test.refused")

    answers = answers_to(
        at_once,
        [
            call
            for one in stuck
            for call in (
                lambda pk=one.id: caller.post(f"operations/{pk}/retry"),
                lambda pk=one.database_id: caller.delete(f"databases/{pk}"),
            )
        ],
    )

    assert set(told(answers)) <= {(202, ""), (409, "operation.not_stuck"), (409, "operation.in_progress")}
    for one in stuck:
        check_one_holds(one.database_id)
        check_delete_goes_next(one.database_id)
        check_timeline(one.id)


def rename(caller: Api, database: Database, name: str) -> Callable[[], HttpResponse]:
    """Return the call that gives the database another name."""
    return lambda: caller.patch(f"databases/{database.id}", {"display_name": name})


def test_that_of_changes_to_one_version_one_is_made(api: Api, alice: User, resting: Database, at_once: AtOnce) -> None:
    caller = api.by(alice)
    version = Database.objects.get().row_version
    tag = caller.get(f"databases/{resting.id}").headers["ETag"]
    careful = caller.with_headers(Authorization=caller._headers["Authorization"], If_Match=tag)

    answers = answers_to(at_once, [rename(careful, resting, f"name {number}") for number in range(SOME)])

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: SOME - 1}
    (winner,) = [body_of(answer)["display_name"] for answer in answers if answer.status_code == 200]
    assert (Database.objects.get().display_name, Database.objects.get().row_version) == (winner, version + 1)


def test_that_a_cancel_and_the_finish_agree(
    api: Api, alice: User, shop: Tenant, ordered: Ordered, at_once: Any
) -> None:
    Quota.objects.filter(tenant=shop).update(
        max_databases=100, max_cpu_millicores=10**6, max_memory_mib=10**6, max_storage_gib=10**6
    )
    caller = api.by(alice)
    with world() as on:
        racing = [almost_ready(on, ordered(f"db{number}")) for number in range(SOME)]

        for one in racing:
            cancel = partial(caller.post, f"operations/{one.id}/cancel")
            worked, answer = at_once([partial(advance, one.id, clock=on.clock), cancel])
            assert isinstance(worked, bool), worked
            assert isinstance(answer, HttpResponse), answer
            RACED["calls"] += 2
            ended = on.stage.play(one)
            allowed = {202: {("succeeded", "ready"), ("cancelled", "failed")}, 409: {("succeeded", "ready")}}
            assert (ended.state, ended.database.state) in allowed[answer.status_code], answer.content
            check_timeline(one.id)
        check_ledger(on)
        check_custom_resources(on)
    check_quota_is_the_sum()


def almost_ready(on: World, operation: Operation) -> Operation:
    """Play a provision up to the moment in which the next look finishes it."""
    for _ in range(20):
        now = on.stage.look(operation)
        found = on.stage.body(now.database)
        if found is not None and (found.get("status") or {}).get("phase") == "Ready":
            on.stage.is_due(now)
            return now
        on.stage.is_due(now)
        on.stage.work(operation)
        on.stage.operator.act(now.database)
    raise AssertionError("it never became ready")
