"""That a nudge never harms anybody: bounded in time, quiet after a failure, and by the name of a task that exists."""

import socket
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from celery import current_app
from kombu.exceptions import OperationalError

from dbaas.celery import load_transport
from dbaas.settings.queues import celery_from
from provisioning import dispatch
from provisioning.dispatch import ADVANCE, published_by, require_broker, wake

LONGEST_SECONDS = 0.6


@pytest.fixture(autouse=True)
def fresh_broker_memory() -> Iterator[None]:
    """Let no earlier failure keep a test from trying."""
    dispatch._broker.quiet_until = 0.0
    yield
    dispatch._broker.quiet_until = 0.0


@pytest.fixture
def frozen_broker() -> Iterator[str]:
    """A broker that accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def broken_celery(request: pytest.FixtureRequest) -> Iterator[None]:
    """The application of a web process, against the broker that the test names."""
    url = request.getfixturevalue(request.param) if "://" not in request.param else request.param
    app = current_app._get_current_object()
    before = {name: app.conf[name] for name in ("broker_url", "broker_transport_options", "task_publish_retry_policy")}
    app.conf.update({name: celery_from(broker_url=url, is_publisher=True)[name] for name in before})
    app.pool.force_close_all()
    app.amqp._producer_pool = None
    app._pool = None
    yield
    app.conf.update(before)
    app.amqp._producer_pool = None
    app._pool = None


def test_that_the_name_that_is_sent_is_the_name_of_a_task() -> None:
    current_app.loader.import_default_modules()

    assert ADVANCE in current_app.tasks


def test_that_a_working_broker_takes_the_message() -> None:
    assert wake(uuid4())


@pytest.mark.parametrize("broken_celery", ["redis://127.0.0.1:1/0", "frozen_broker"], indirect=True)
def test_that_a_dead_broker_costs_little_and_raises_nothing(broken_celery: None) -> None:
    del broken_celery
    load_transport()
    began = time.monotonic()

    taken = wake(uuid4())

    assert not taken
    assert time.monotonic() - began < LONGEST_SECONDS


@pytest.mark.parametrize("broken_celery", ["frozen_broker"], indirect=True)
def test_that_after_a_failure_the_next_request_pays_nothing(broken_celery: None) -> None:
    del broken_celery
    wake(uuid4())
    began = time.monotonic()

    wake(uuid4())

    assert time.monotonic() - began < LONGEST_SECONDS / 10


@pytest.mark.parametrize("broken_celery", ["redis://127.0.0.1:1/0", "frozen_broker"], indirect=True)
def test_that_the_health_check_of_a_dead_broker_is_bounded(broken_celery: None) -> None:
    del broken_celery
    began = time.monotonic()

    with pytest.raises(OperationalError):
        require_broker()

    assert time.monotonic() - began < 1.5


def test_that_a_simulation_may_bring_a_broker_of_its_own() -> None:
    taken: list[UUID] = []
    operation = uuid4()

    with published_by(taken.append):
        wake(operation)

    assert taken == [operation]
