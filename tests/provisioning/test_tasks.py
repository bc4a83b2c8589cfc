"""That tasks, routes, queues and the schedule fit together: a message nobody consumes would be lost in silence."""

import inspect
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from pytest_django import Settings

from accounts import audit
from accounts.models import AuditEvent, User
from accounts.trail.sealing import rows
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.processes import DEFAULT_QUEUES
from dbaas.settings.queues import BEAT_SCHEDULE
from provisioning import tasks
from provisioning.models import Operation
from tests.cast import acting
from tests.deploy.commands import ROOT
from tests.provisioning.stage import Stage

OURS = (
    "provisioning.advance",
    "provisioning.dispatch_due",
    "provisioning.reap",
    "provisioning.audit_quotas",
    "provisioning.seal_audit_trail",
    "provisioning.keep_audit_trail",
)


@pytest.mark.parametrize("name", OURS)
def test_that_a_task_is_registered_and_takes_what_later_releases_may_add(name: str) -> None:
    task = current_app.tasks[name]

    assert any(parameter.kind is parameter.VAR_KEYWORD for parameter in inspect.signature(task.run).parameters.values())


def test_that_the_schedule_names_tasks_that_exist() -> None:
    current_app.loader.import_default_modules()

    assert {entry["task"] for entry in BEAT_SCHEDULE.values()} <= set(current_app.tasks)


def test_that_every_route_leads_to_a_queue_that_workers_consume() -> None:
    routed = {route["queue"] for route in settings.CELERY["task_routes"].values()}
    consumed = {*DEFAULT_QUEUES.split(","), *queues_of_the_procfile()}

    assert routed == set(settings.CELERY["task_queues"]) == consumed


def queues_of_the_procfile() -> set[str]:
    text = (ROOT / "Procfile").read_text(encoding="utf-8")
    return {queue for named in re.findall(r"--queues (\S+)", text) for queue in named.split(",")}


def test_that_a_message_drives_its_operation(ordered: Callable[..., Operation], stage: Stage) -> None:
    operation = ordered()

    tasks.advance(str(operation.id), added_by_a_later_release=True)

    assert stage.look(operation).step == "wait_until_ready"


def test_that_a_tick_sends_what_is_due(ordered: Callable[..., Operation], stage: Stage) -> None:
    operation = ordered()

    tasks.dispatch_due()

    assert stage.look(operation).dispatch_after is not None


def test_that_the_rounds_of_the_night_run(stage: Stage) -> None:
    del stage

    tasks.reap()
    tasks.audit_quotas()


def test_that_the_audit_trail_is_sealed_and_shortened(alice: User, settings: Settings) -> None:
    settings.AUDIT_RETENTION = timedelta(days=30)
    for _ in range(2):
        audit.record(acting(alice), action="thing.done", object_type="thing", object_id="1")

    tasks.seal_audit_trail()
    rows().update(at=SYSTEM_CLOCK.now() - timedelta(days=31))
    tasks.keep_audit_trail()

    assert list(AuditEvent.objects.order_by("id").values_list("action", "position")) == [
        ("thing.done", 2),
        ("audit_log.shortened", None),
    ]


def test_that_nothing_is_forgotten_by_default(alice: User) -> None:
    audit.record(acting(alice), action="thing.done", object_type="thing", object_id="1")
    tasks.seal_audit_trail()
    rows().update(at=SYSTEM_CLOCK.now() - timedelta(days=9999))

    tasks.keep_audit_trail()

    assert AuditEvent.objects.count() == 1
