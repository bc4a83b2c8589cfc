"""What each alert is for, brought about: real rows, real calls that fail, real requests that are slow. One function per alert."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection

from accounts.models import User
from accounts.trail import sealing
from dbaas.api.rate_limits.limiter import Limiter
from dbaas.api.rate_limits.rates import Policy, Rate
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning import lease
from provisioning.advance import advance
from provisioning.audits import audit_all_quotas
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.errors import ClusterUnavailable
from provisioning.cluster.limits import Limits
from provisioning.cluster.registry import clusters_reached_by
from provisioning.counters import PUBLISH_FAILURES
from provisioning.dispatch import wake
from provisioning.heartbeats import DISPATCHER, WORKER, watcher_of
from provisioning.lease import CLOCK_SKEW, LEASE
from provisioning.models import Cluster, Finding, Heartbeat, Operation
from provisioning.services.deciding import abandon
from provisioning.upkeep import look_after_backups
from tenants.models import Quota, Tenant
from tests.cast import Api
from tests.deploy.monitoring.scrape import NOTHING, Scrape, up
from tests.provisioning.rows import at_rest, let_back_up, policy_for
from tests.provisioning.stage import StoppedClock
from tests.webhooks.cast import happened, webhook_of
from webhooks.models import Delivery

NOBODY = "redis://127.0.0.1:1/0"
LONG_AGO = timedelta(minutes=20)


@dataclass(frozen=True, kw_only=True)
class System:
    """A small system that is well: a tenant, a cluster, everybody was seen a moment ago."""

    api: Api
    owner: User
    tenant: Tenant
    cluster: Cluster
    ordered: Callable[..., Operation]

    def late(self) -> Operation:
        """Return an operation that has been due for a while."""
        operation = self.ordered()
        Operation.objects.filter(pk=operation.pk).update(next_run_at=SYSTEM_CLOCK.now() - LONG_AGO)
        return operation


Trouble = Callable[[System], Scrape | None]
TROUBLES: dict[str, Trouble] = {}
"""By alert. One may return what Prometheus sees instead of a copy's own page."""


def _trouble(alert: str) -> Callable[[Trouble], Trouble]:
    def keep(trouble: Trouble) -> Trouble:
        TROUBLES[alert] = trouble
        return trouble

    return keep


@_trouble("MetricsMissing")
def _nothing_is_scraped(_system: System) -> Scrape:
    return NOTHING


@_trouble("TargetDown")
def _a_worker_is_gone(_system: System) -> Scrape:
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        host, port = gone.getsockname()
    with socket.socket() as caller:
        return up(job="dbaas-worker", instance=f"{host}:{port}", is_reached=caller.connect_ex((host, port)) == 0)


@_trouble("NoWorkerAlive")
def _no_worker_completes_anything(_system: System) -> None:
    Heartbeat.beat(WORKER, now=SYSTEM_CLOCK.now() - LONG_AGO)


@_trouble("DispatcherSilent")
def _no_dispatcher_ever_ran(_system: System) -> None:
    Heartbeat.objects.filter(name=DISPATCHER).delete()


@_trouble("WatcherSilent")
def _no_watcher_hears_of_the_cluster(system: System) -> None:
    Heartbeat.beat(watcher_of(system.cluster), now=SYSTEM_CLOCK.now() - LONG_AGO)


@_trouble("ClusterUnreachable")
def _calls_get_no_answer(_system: System) -> None:
    reach = Reach(kubeconfig_path="/nonexistent/away", cluster="away")
    gateway = Gateway(reach, limits=Limits(per_second=1000, cluster="away"))
    for _ in range(6):
        try:
            gateway.version()
        except ClusterUnavailable:
            continue
        raise AssertionError("somebody answers")


@_trouble("OperationsNotStarted")
def _nobody_takes_what_is_due(system: System) -> None:
    system.late()


@_trouble("OperationsStuck")
def _an_operation_is_stuck(system: System) -> None:
    _stuck(system)


@_trouble("OperationsFail")
def _an_operation_fails_every_minute(system: System) -> None:
    abandon(_stuck(system), why="It will not go.")


def _stuck(system: System) -> Operation:
    operation = system.ordered()
    Operation.objects.filter(pk=operation.pk).update(state="stuck", next_run_at=None, error_code="internal.error")
    return Operation.objects.select_related("database").get(pk=operation.pk)


@_trouble("DatabasesNotReady")
def _a_database_does_not_serve(system: System) -> None:
    at_rest(system.ordered(), phase="NotReady")


@_trouble("ObjectsLeaked")
def _an_object_leaks(system: System) -> None:
    _found(system, "leaked")


@_trouble("ObjectsStrange")
def _somebody_else_s_object_is_there(system: System) -> None:
    _found(system, "foreign")


def _found(system: System, what: str) -> None:
    now = SYSTEM_CLOCK.now()
    Finding.objects.create(cluster=system.cluster, what=what, about="x", first_seen_at=now, last_seen_at=now)


@_trouble("QuotaWrong")
def _a_quota_is_not_what_runs(system: System) -> None:
    system.ordered()
    Quota.objects.filter(tenant=system.tenant).update(used_memory_mib=1)
    audit_all_quotas()


def _refuse(execute: Any, sql: str, *arguments: Any) -> Any:
    if "provisioning_database" in sql:
        raise OperationalError("the table is locked")
    return execute(sql, *arguments)


def _dawdle(execute: Any, sql: str, *arguments: Any) -> Any:
    if "provisioning_database" in sql:
        time.sleep(1.05)
    return execute(sql, *arguments)


def _list_databases(system: System, wrapper: Callable[..., Any]) -> int:
    with connection.execute_wrapper(wrapper):
        return system.api.by(system.owner).get("databases").status_code


@_trouble("ApiErrorsFast")
@_trouble("ApiErrorsSlow")
def _requests_end_in_server_errors(system: System) -> None:
    assert _list_databases(system, _refuse) >= 500


@_trouble("ApiLatencyFast")
@_trouble("ApiLatencySlow")
def _requests_are_slow(system: System) -> None:
    assert _list_databases(system, _dawdle) == 200


@_trouble("BackupOverdue")
def _a_backup_does_not_come(system: System) -> None:
    database = at_rest(system.ordered())
    policy_for(database, schedule="0 * * * *", applied_at=SYSTEM_CLOCK.now() - timedelta(hours=9))


@_trouble("BackupsMissed")
def _a_slot_passes_without_a_backup(system: System) -> None:
    let_back_up(system.cluster)
    _a_backup_does_not_come(system)
    with clusters_reached_by(_EmptyCluster):
        look_after_backups(SYSTEM_CLOCK.now())


class _EmptyCluster(Gateway):
    """A cluster in which there is nothing."""

    def _json(self, verb: str, path: str, *, action: str, **how: Any) -> dict[str, Any]:
        del verb, path, action, how
        return {"items": [], "metadata": {}}


@_trouble("WebhooksNotSent")
def _messages_are_not_sent(system: System) -> None:
    webhook_of(system.owner, system.tenant)
    happened(system.tenant)
    Delivery.objects.update(next_attempt_at=SYSTEM_CLOCK.now() - LONG_AGO)


@_trouble("AuditTrailNotSealed")
def _nobody_seals_the_trail(_system: System) -> None:
    sealing.rows().filter(position=None).update(at=SYSTEM_CLOCK.now() - LONG_AGO)


class _Overtaken(StoppedClock):
    """Lets another worker take the operation over as soon as somebody who has it looks at the clock."""

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self._operation_id = operation.pk
        self._looks = 0

    def now(self) -> datetime:
        self._looks += 1
        if self._looks == 2:
            lease.claim(self._operation_id, now=self._now + LEASE + 2 * CLOCK_SKEW)
        return super().now()


@_trouble("LeasesLost")
def _a_worker_is_overtaken(system: System) -> None:
    operation = system.ordered()
    advance(operation.pk, clock=_Overtaken(operation))


@_trouble("WorkersLost")
def _a_worker_never_comes_back(system: System) -> None:
    operation = system.late()
    long_ago = SYSTEM_CLOCK.now() - LONG_AGO
    lease.claim(operation.pk, now=long_ago + timedelta(seconds=1))

    assert lease.claim(operation.pk, now=SYSTEM_CLOCK.now()) is not None


@_trouble("WorkersBehind")
def _an_operation_waits_for_a_worker(system: System) -> None:
    assert lease.claim(system.late().pk, now=SYSTEM_CLOCK.now()) is not None


@_trouble("PublishFails")
def _the_broker_takes_nothing(system: System) -> None:
    before = PUBLISH_FAILURES._value.get()
    wake(system.ordered().pk)

    assert PUBLISH_FAILURES._value.get() > before


@_trouble("RateLimitsAlone")
def _the_shared_count_is_away(_system: System) -> None:
    Limiter(NOBODY).take(Policy(rate=Rate.READS, per_minute=3), "somebody")


@_trouble("ManyRefused")
def _somebody_asks_without_end(_system: System) -> None:
    limiter = Limiter("")
    for _ in range(400):
        limiter.take(Policy(rate=Rate.READS, per_minute=1), "somebody")


@_trouble("QuotaNearlyUsed")
def _a_tenant_has_used_all(system: System) -> None:
    Quota.objects.filter(tenant=system.tenant).update(used_databases=10, max_databases=10)


def make_well(cluster: Cluster) -> None:
    """Let everybody who should beat have beaten a moment ago."""
    for name in (WORKER, DISPATCHER, watcher_of(cluster)):
        Heartbeat.beat(name, now=SYSTEM_CLOCK.now())
