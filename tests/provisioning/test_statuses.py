"""That a database has one word for how it is: what is done to it before what it is, and what was observed where it counts."""

from uuid import uuid4

import pytest

from provisioning.models import Database
from provisioning.operations import all_workflows
from provisioning.states import DatabaseState
from provisioning.statuses import status_of


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("Ready", "ready"),
        ("", "ready"),
        ("Provisioning", "ready"),
        ("of-a-later-release", "ready"),
        ("Critical", "degraded"),
        ("NotReady", "unavailable"),
        ("Missing", "unavailable"),
        ("Halted", "paused"),
    ],
)
def test_that_a_ready_database_says_what_was_observed(phase: str, status: str) -> None:
    assert status_of(Database(state="ready", phase=phase)) == status


@pytest.mark.parametrize("state", [state for state in DatabaseState if state != DatabaseState.READY])
def test_that_otherwise_its_state_is_its_status_whatever_was_observed(state: DatabaseState) -> None:
    assert status_of(Database(state=state, phase="Critical")) == state


@pytest.mark.parametrize("workflow", all_workflows().values(), ids=all_workflows())
def test_that_what_is_done_to_it_comes_first(workflow: object) -> None:
    kind, status = getattr(workflow, "kind", ""), getattr(workflow, "status", "")

    assert status_of(Database(state="changing", phase="Critical", active_operation_kind=kind)) == status


def test_that_one_that_is_to_be_deleted_is_deleting_already() -> None:
    database = Database(state="changing", active_operation_kind="provision", next_operation_id=uuid4())

    assert status_of(database) == "deleting"
