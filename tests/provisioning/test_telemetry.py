"""That /metrics shows what an operator must be woken for: nothing runs, something is stuck, something does not fit."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.heartbeats import DISPATCHER
from provisioning.models import Cluster, Finding, Heartbeat, Operation
from provisioning.tasks import pulse
from provisioning.telemetry import fleet
from tenants.models import Quota
from tests.cast import Api, tenant_of
from tests.provisioning.rows import at_rest

pytestmark = pytest.mark.usefixtures("nowhere")


def shown(api: Api) -> dict[str, float]:
    lines = [line for line in api.get("/metrics").content.decode().splitlines() if line.startswith("dbaas_")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_that_an_idle_system_shows_zeros(api: Api) -> None:
    found = shown(api)

    assert found["dbaas_oldest_due_seconds"] == 0
    assert found['dbaas_findings_open{what="leaked"}'] == 0


def test_that_what_waits_and_what_is_stuck_is_counted(api: Api, ordered: Callable[..., Operation]) -> None:
    ordered("waits")
    stuck = ordered("stuck-one")
    Operation.objects.update(next_run_at=SYSTEM_CLOCK.now() - timedelta(seconds=90))
    Operation.objects.filter(pk=stuck.pk).update(state="stuck", next_run_at=None)

    found = shown(api)

    assert found["dbaas_oldest_due_seconds"] >= 90
    assert found['dbaas_operations{engine="postgres",kind="provision",state="queued"}'] == 1
    assert found['dbaas_operations{engine="postgres",kind="provision",state="stuck"}'] == 1
    assert found["dbaas_oldest_stuck_seconds"] > 0


def test_that_open_findings_and_heartbeats_are_shown(api: Api) -> None:
    now = SYSTEM_CLOCK.now()
    cluster = Cluster.objects.get()
    for about, closed_at in (("a", None), ("b", now)):
        Finding.objects.create(
            cluster=cluster, what="leaked", about=about, first_seen_at=now, last_seen_at=now, closed_at=closed_at
        )
    Heartbeat.beat(DISPATCHER, now=now - timedelta(seconds=50))

    found = shown(api)

    assert found['dbaas_findings_open{what="leaked"}'] == 1
    assert found['dbaas_heartbeat_age_seconds{name="dispatcher"}'] >= 50
    assert found['dbaas_heartbeat_age_seconds{name="watcher:nowhere"}'] == float("inf")


def test_that_a_worker_beats_when_it_completes_a_task(api: Api) -> None:
    pulse()

    assert shown(api)['dbaas_heartbeat_age_seconds{name="worker"}'] < 60


def test_that_databases_are_counted_by_state_and_phase(api: Api, ordered: Callable[..., Operation]) -> None:
    at_rest(ordered("fine"), phase="Ready")
    at_rest(ordered("odd"), phase="word of an outsider")

    found = shown(api)

    assert found['dbaas_databases{engine="postgres",state="ready"}'] == 2
    assert found['dbaas_databases_by_phase{engine="postgres",phase="Ready"}'] == 1
    assert found['dbaas_databases_by_phase{engine="postgres",phase="other"}'] == 1


def test_that_a_database_of_which_the_cluster_said_nothing_has_no_phase(
    api: Api, ordered: Callable[..., Operation]
) -> None:
    ordered("new")

    assert shown(api)['dbaas_databases_by_phase{engine="postgres",phase="none"}'] == 1


def test_that_only_the_fullest_quotas_are_shown(
    api: Api, ordered: Callable[..., Operation], alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant_of(alice, "nearly-full")
    Quota.objects.filter(tenant__name="nearly-full").update(used_databases=9, max_databases=10)
    ordered("orders")
    monkeypatch.setattr(fleet, "TENANTS_SHOWN", 1)

    found = shown(api)

    assert found['dbaas_quota_used{resource="databases",tenant="nearly-full"}'] == 9
    assert found['dbaas_quota_limit{resource="databases",tenant="nearly-full"}'] == 10
    assert [name for name in found if 'tenant="shop"' in name] == []


def test_that_every_counter_is_there_from_the_start(api: Api) -> None:
    names = {name.partition("{")[0] for name in shown(api)}

    assert {
        "dbaas_claims_total",
        "dbaas_leases_lost_total",
        "dbaas_workers_lost_total",
        "dbaas_publish_failures_total",
    } <= names
