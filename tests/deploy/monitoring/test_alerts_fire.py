"""That each alert fires when a real system is in the trouble that it is for, and is silent before: judged by Prometheus' own engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from pytest_django import DjangoCaptureOnCommitCallbacks

from dbaas.settings.queues import celery_from
from provisioning import dispatch
from tests.deploy.monitoring.promtool import alerts, is_firing
from tests.deploy.monitoring.scrape import scrape
from tests.deploy.monitoring.troubles import NOBODY, TROUBLES, System


@pytest.fixture
def nobody_s_broker() -> Iterator[None]:
    """Let what is published go to a broker that is not there."""
    app = current_app._get_current_object()
    wanted = celery_from(broker_url=NOBODY, is_publisher=True)
    before = {name: app.conf[name] for name in ("broker_url", "broker_transport_options", "task_publish_retry_policy")}
    app.conf.update({name: wanted[name] for name in before})
    app.pool.force_close_all()
    app.amqp._producer_pool = app._pool = None
    dispatch._broker.quiet_until = 0.0
    yield
    app.conf.update(before)
    app.amqp._producer_pool = app._pool = None
    dispatch._broker.quiet_until = 0.0


def test_that_there_is_a_trouble_for_every_alert() -> None:
    assert set(TROUBLES) == set(alerts())


@pytest.mark.usefixtures("nobody_s_broker")
@pytest.mark.parametrize("alert", TROUBLES)
def test_that_it_fires_in_trouble_and_not_before(
    alert: str,
    system: System,
    tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    before = scrape(system.api)
    with django_capture_on_commit_callbacks(execute=True):
        seen = TROUBLES[alert](system)

    after = scrape(system.api) if seen is None else seen

    assert not is_firing(alert, tmp_path, before=before, after=before)
    assert is_firing(alert, tmp_path, before=before, after=after)
