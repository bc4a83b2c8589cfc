"""That every bound of Celery's stays inside the next one, and that every message has a queue that somebody reads."""

from datetime import timedelta

import pytest
from celery import current_app

from dbaas.settings.queues import (
    BEAT_SCHEDULE,
    PUBLISHER_TRANSPORT,
    WORKER_TRANSPORT,
    celery_from,
    only_publishes,
    step_limits,
)
from provisioning.lease import LAST_EFFECT_AFTER, LEASE, WORK_FOR


def test_that_a_worker_is_dead_before_its_lease_is_free() -> None:
    soft, hard = (timedelta(seconds=seconds) for seconds in step_limits(int(LEASE.total_seconds())))

    assert WORK_FOR < soft < LAST_EFFECT_AFTER < hard < LEASE


def test_that_the_limits_are_in_force() -> None:
    found = celery_from(broker_url="memory://", is_publisher=False)

    assert (found["task_soft_time_limit"], found["task_time_limit"]) == (30, 45)
    assert (found["task_acks_late"], found["worker_prefetch_multiplier"], found["result_backend"]) == (False, 1, None)
    assert found["accept_content"] == ["json"]


@pytest.mark.parametrize("lease_seconds", [30, 60, 600])
def test_that_the_limits_follow_the_lease(lease_seconds: int) -> None:
    found = celery_from(broker_url="memory://", is_publisher=False, lease_seconds=lease_seconds)

    assert found["task_soft_time_limit"] < found["task_time_limit"] < lease_seconds


def test_that_a_request_waits_shorter_for_the_broker_than_a_worker() -> None:
    publisher = celery_from(broker_url="memory://", is_publisher=True)["broker_transport_options"]
    worker = celery_from(broker_url="memory://", is_publisher=False)["broker_transport_options"]

    assert (publisher, worker) == (PUBLISHER_TRANSPORT, WORKER_TRANSPORT)
    assert publisher["socket_timeout"] < worker["socket_timeout"]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("/srv/.venv/bin/celery", False),
        ("/srv/dbaas/processes.py", False),
        ("/srv/manage.py", True),
        ("/srv/.venv/bin/granian", True),
        ("", True),
    ],
)
def test_that_a_process_is_known_by_its_program(program: str, expected: bool) -> None:
    assert only_publishes(program) is expected


def test_that_every_route_leads_to_a_queue_that_exists() -> None:
    found = celery_from(broker_url="memory://", is_publisher=False)

    used = {found["task_default_queue"], *(route["queue"] for route in found["task_routes"].values())}

    assert used == set(found["task_queues"])
    assert found["task_create_missing_queues"] is False


def test_that_a_flood_of_steps_leaves_upkeep_its_own_queue() -> None:
    queues = {name: current_app.amqp.router.route({}, name)["queue"].name for name in _names()}

    assert queues.pop("provisioning.advance") == "ops"
    assert queues.pop("webhooks.deliver") == "webhooks"
    assert set(queues.values()) == {"maintenance"}


@pytest.mark.parametrize("entry", BEAT_SCHEDULE.values(), ids=lambda entry: entry["task"])
def test_that_what_beat_sends_exists_and_does_not_pile_up(entry: dict[str, object]) -> None:
    options = entry["options"]

    assert entry["task"] in _names()
    assert isinstance(options, dict)
    assert options["expires"] > 0


def _names() -> set[str]:
    current_app.loader.import_default_modules()
    return {name for name in current_app.tasks if name.startswith(("provisioning.", "webhooks."))}
