"""That operations can be followed, cancelled and retried over HTTP, each only by those whose they are."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from provisioning.models import Operation
from tenants.models import Tenant
from tests.cast import Api, body_of, problem

pytestmark = pytest.mark.usefixtures("nowhere")

Ordered = Callable[..., Operation]
URL = "/api/v1/operations"


def test_that_an_operation_shows_its_timeline(api: Api, alice: User, ordered: Ordered) -> None:
    operation = ordered()

    found = body_of(api.by(alice).get(f"{URL}/{operation.id}"))

    assert (found["id"], found["state"], found["error"]) == (str(operation.id), "queued", None)
    assert found["links"]["database"] == f"/api/v1/databases/{operation.database_id}"
    assert [(line["seq"], line["event"], line["step"]) for line in found["timeline"]] == [(1, "accepted", None)]


def test_that_an_error_is_shown_with_its_code(api: Api, alice: User, ordered: Ordered) -> None:
    operation = ordered()
    Operation.objects.update(state="stuck", error_code="cluster.refused", error_detail="It was refused.")

    found = body_of(api.by(alice).get(f"{URL}/{operation.id}"))

    assert found["error"] == {"code": "cluster.refused", "detail": "It was refused."}


def test_that_reading_one_takes_three_queries(
    api: Api, alice: User, ordered: Ordered, django_assert_num_queries: Callable[..., Any]
) -> None:
    operation = ordered()
    caller = api.by(alice)

    with django_assert_num_queries(3):
        caller.get(f"{URL}/{operation.id}")


@pytest.mark.parametrize(
    ("query", "count"), [("", 2), ("?kind=provision", 2), ("?state=stuck", 0), ("?kind=delete", 0)]
)
def test_that_operations_are_listed_and_filtered(
    api: Api, alice: User, ordered: Ordered, query: str, count: int
) -> None:
    ordered("a")
    ordered("b")

    found = body_of(api.by(alice).get(URL + query))

    assert len(found["items"]) == count


def test_that_operations_of_one_database_are_listed(api: Api, alice: User, ordered: Ordered) -> None:
    first = ordered("a")
    ordered("b")

    by_path = body_of(api.by(alice).get(f"/api/v1/databases/{first.database_id}/operations"))
    by_query = body_of(api.by(alice).get(f"{URL}?database={first.database_id}"))

    assert [item["id"] for item in by_path["items"]] == [str(first.id)]
    assert by_query["items"] == by_path["items"]


def test_that_a_filter_must_be_well_formed(api: Api, alice: User) -> None:
    assert problem(api.by(alice).get(f"{URL}?database=mine")) == (400, "request.invalid")


def test_that_a_cancel_is_accepted_and_repeating_it_is_harmless(api: Api, alice: User, ordered: Ordered) -> None:
    operation = ordered()

    first = api.by(alice).post(f"{URL}/{operation.id}/cancel")
    again = api.by(alice).post(f"{URL}/{operation.id}/cancel")

    assert (first.status_code, again.status_code) == (202, 202)
    assert body_of(first)["cancel_requested_at"] == body_of(again)["cancel_requested_at"]
    assert body_of(first)["cancel_requested_at"] is not None


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"state": "succeeded"}, "operation.finished"),
        ({"state": "stuck"}, "operation.stuck"),
        ({"kind": "delete", "step": "remove_the_rest", "state": "waiting"}, "operation.too_late_to_cancel"),
    ],
)
def test_that_a_cancel_that_cannot_work_says_why(
    api: Api, alice: User, ordered: Ordered, columns: dict[str, str], code: str
) -> None:
    operation = ordered()
    Operation.objects.update(**columns)

    assert problem(api.by(alice).post(f"{URL}/{operation.id}/cancel")) == (409, code)


def test_that_a_stuck_operation_goes_on_at_its_step(api: Api, alice: User, ordered: Ordered) -> None:
    operation = ordered()
    Operation.objects.update(state="stuck", step="wait_until_ready", error_code="x", next_run_at=None, attempt=9)

    answer = api.by(alice).post(f"{URL}/{operation.id}/retry")

    operation.refresh_from_db()
    assert (answer.status_code, body_of(answer)["state"], body_of(answer)["error"]) == (202, "queued", None)
    assert (operation.step, operation.attempt) == ("wait_until_ready", 0)
    assert operation.next_run_at is not None


def test_that_one_stuck_in_its_undo_goes_on_undoing(api: Api, alice: User, ordered: Ordered) -> None:
    operation = ordered()
    Operation.objects.update(
        state="stuck", step="create_database", error_code="x", undo_deadline_at=operation.deadline_at, next_run_at=None
    )

    answer = api.by(alice).post(f"{URL}/{operation.id}/retry")

    assert (body_of(answer)["state"], body_of(answer)["error"]["code"]) == ("undoing", "x")


def test_that_only_what_is_stuck_can_be_retried(api: Api, alice: User, ordered: Ordered) -> None:
    operation = ordered()

    assert problem(api.by(alice).post(f"{URL}/{operation.id}/retry")) == (409, "operation.not_stuck")


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_that_viewers_steer_nothing(api: Api, bob: User, ordered: Ordered, verb: str) -> None:
    operation = ordered()

    assert problem(api.by(bob).post(f"{URL}/{operation.id}/{verb}")) == (403, "permission.denied")


def test_that_strangers_find_no_operation(api: Api, charlie: User, ordered: Ordered, shop: Tenant) -> None:
    del shop
    operation = ordered()
    stranger = api.by(charlie)

    answers = [
        stranger.get(f"{URL}/{operation.id}"),
        stranger.post(f"{URL}/{operation.id}/cancel"),
        stranger.post(f"{URL}/{operation.id}/retry"),
    ]

    assert [problem(answer) for answer in answers] == [(404, "operation.not_found")] * 3
    assert body_of(stranger.get(URL))["items"] == []
