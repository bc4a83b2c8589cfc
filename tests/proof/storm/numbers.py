"""The promised figures, each measured by a small scenario of its own on real processes."""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta

import redis

from tests.proof.report import Scale
from tests.proof.storm.bench import Bench, percentile, timed
from tests.proof.storm.customers import Json
from tests.proof.storm.metadata import Row
from tests.proof.storm.site import WATCHERS, WORKERS, wait_until

IN_FLIGHT = 4
_PROVISIONS = {Scale.CI: 100, Scale.LONG: 500}
_UNWATCHED = {Scale.CI: 12, Scale.LONG: 50}
_FREEZE_SECONDS = {Scale.CI: 8.0, Scale.LONG: 75.0}
_DUE = 50
_READY_WITHIN = 3.0
_SHORTEST_POLL = 5.0
"""Without a watcher (provisioning.advance)."""
_SCAN = 2.0
"""A dispatcher's tick, and a moment in the queue."""
_CLOCK_SKEW = 2.0
"""By how much a lease is outlived before another worker takes over (provisioning.lease, which needs Django)."""
_POST_EXTRA = 0.6
_BROKER_BACK = 35.0
_SIGTERM = 25.0
_END_SECONDS = 120.0


def ready_to_succeeded(bench: Bench, scale: Scale) -> None:
    """From the event that says Ready to the operation's end, with watchers and without."""
    waits = _provisions(bench, _PROVISIONS[scale])
    bench.note("phase Ready to succeeded, p50", percentile(waits, 0.5), None)
    bench.note("phase Ready to succeeded, p99", percentile(waits, 0.99), _READY_WITHIN)
    with bench.site.supervisor.absent(*WATCHERS):
        # as it is 90 s after the last watcher died: nobody waits for that here
        bench.database.do("DELETE FROM provisioning_heartbeat WHERE name LIKE 'watcher:%%'")
        waits = _provisions(bench, _UNWATCHED[scale])
    bench.note("the same without a watcher, longest", max(waits), _SHORTEST_POLL + _SCAN)


def _provisions(bench: Bench, count: int) -> list[float]:
    """Provision so many databases, a few at a time, and return how long each took from Ready to its end."""
    orders: list[Json] = []
    moving: list[Json] = []
    while len(orders) < count or moving:
        while len(moving) < IN_FLIGHT and len(orders) < count:
            orders.append(bench.order())
            moving.append(orders[-1])
        ended = {str(row["id"]) for row in bench.look(moving) if row["finished_at"]}
        moving = [operation for operation in moving if operation["id"] not in ended]
        time.sleep(0.05)
    rows = bench.until_succeeded(orders, _END_SECONDS)
    return [_after_ready(bench, row) for row in rows]


def _after_ready(bench: Bench, row: Row) -> float:
    ready_at = bench.onlooker.ready_at[str(row["database_id"])]
    waited: timedelta = row["finished_at"] - ready_at
    return max(0.0, waited.total_seconds())


def frozen_broker(bench: Bench, scale: Scale) -> None:
    """What a request costs more while the broker takes connections and says nothing."""
    usual = statistics.median(timed(bench.order) for _ in range(8))
    slowed: list[float] = []
    orders: list[Json] = []
    until = time.monotonic() + _FREEZE_SECONDS[scale]
    with bench.site.supervisor.frozen("broker"):
        while time.monotonic() < until:
            slowed.append(timed(lambda: orders.append(bench.order())))
            time.sleep(0.4)
    bench.note("POST while the broker is frozen, extra", max(slowed) - usual, _POST_EXTRA)
    bench.note("of these requests were not accepted", len(slowed) - len(orders), 0, f"of {len(slowed)}")
    bench.until_succeeded(orders, _END_SECONDS)


def lost_broker(bench: Bench, _scale: Scale) -> None:
    """How long after the return of a broker that lost everything all operations that were due have been taken on."""
    client = redis.Redis.from_url(bench.site.values["BROKER_URL"], socket_timeout=0.5, socket_connect_timeout=0.5)
    with bench.slow_api(4.0, "patch", "create", "get"):
        orders = [bench.order() for _ in range(_DUE)]
        wait_until("messages queue up", lambda: client.llen("ops") > _DUE // 2, 30)
        waiting = sum(not row["lease_token"] for row in bench.look(orders))
        with bench.site.supervisor.absent("broker"):
            time.sleep(2.0)
    wait_until("the broker answers", lambda: _answers(client), 10, again_in=0.02)
    back_at = time.monotonic()
    bench.say(f"the broker lost everything while {waiting} of {_DUE} operations were queued")
    bench.until("all are taken on", orders, lambda rows: all(row["lease_token"] for row in rows), _END_SECONDS)
    bench.note("broker back to all due operations taken on", time.monotonic() - back_at, _BROKER_BACK)
    bench.until_succeeded(orders, _END_SECONDS)


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def killed_worker(bench: Bench, _scale: Scale) -> None:
    """How long after a kill -9 in the middle of their steps the operations of both workers go on."""
    with bench.slow_api(8.0, "create", "patch"):
        orders = [bench.order() for _ in range(4)]
        before = bench.until(
            "all are in the middle of a step", orders, lambda rows: all(_is_held(row) for row in rows), 30
        )
        for name in WORKERS:
            bench.site.supervisor.kill(name)
        killed_at = time.monotonic()
    tokens = {row["id"]: row["lease_token"] for row in before}
    lease = bench.site.lease_seconds
    bench.until(
        "all go on",
        orders,
        lambda rows: all(row["lease_token"] > tokens[row["id"]] for row in rows),
        lease * 2.0,
    )
    bench.note("worker SIGKILL to its operations going on", time.monotonic() - killed_at, lease + 5.0)
    bench.until_succeeded(orders, _END_SECONDS)
    bench.require_done_once(orders)


def _is_held(row: Row) -> bool:
    return row["lease_until"] is not None


def stopped_worker(bench: Bench, _scale: Scale) -> None:
    """How long a worker with steps under way takes to end when it is asked to, and that its operations lose and repeat nothing."""
    name = WORKERS[0]
    with bench.slow_api(3.0, "create", "patch", "get"):
        orders = [bench.order() for _ in range(6)]
        bench.until(
            "it has steps under way", orders, lambda rows: any(bench.worker_of(row) == name for row in rows), 30
        )
        took = bench.site.supervisor.end(name, 60.0)
    bench.note("worker SIGTERM to its end", took, _SIGTERM)
    bench.site.supervisor.add(bench.site.supervisor.units[name])
    bench.until_succeeded(orders, _END_SECONDS)
    bench.require_done_once(orders, first_try=True)


def poison(bench: Bench, victim: str) -> Callable[[], None]:
    """Let every worker die at the first step of a restart, ask for one, and return what looks at it in the end."""
    bench.site.restart_workers(DBAAS_CRASH="restart.ask_to_restart.before:1:kill")
    operation = bench.ask(victim, "restart")

    def look() -> None:
        lease = bench.site.lease_seconds + _CLOCK_SKEW
        row = bench.until("it is stuck", [operation], lambda rows: rows[0]["state"] == "stuck", 6 * lease + 30)[0]
        bench.note("workers that a poison operation killed before it was stuck", row["lost_workers"], 5, "workers")
        if row["error_code"] != "operation.workers_lost":
            bench.violations.append(f"the poison operation is stuck for another reason: {row}")
        bench.site.restart_workers()

    return look
