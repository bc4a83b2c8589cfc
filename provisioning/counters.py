"""What every process counts and times of its own work, for /metrics: rates of these show trouble that no single row shows.

Labels have few values, all of them ours: never a name, an id or an address that a customer chose.
"""

from datetime import timedelta

from prometheus_client import Counter, Gauge, Histogram

_CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_WORK_BUCKETS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0)

CLAIMS = Counter("dbaas_claims", "Operations taken on by a worker.")
LEASES_LOST = Counter("dbaas_leases_lost", "Tries whose work was dropped because a later worker had the operation.")
WORKERS_LOST = Counter("dbaas_workers_lost", "Claims that took over from a worker that never came back.")
BECAME_STUCK = Counter("dbaas_operations_stuck", "Operations that stopped for an operator to decide.", ["kind"])
PUBLISH_FAILURES = Counter(
    "dbaas_publish_failures", "Messages that the broker did not take; the dispatcher sends them."
)
CLAIM_DELAY = Histogram(
    "dbaas_claim_delay_seconds",
    "How long an operation that was due waited for a worker.",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
STEP_DURATION = Histogram(
    "dbaas_step_duration_seconds",
    "How long a step took from its begin until it was done, waits and retries included.",
    ["kind", "step"],
    buckets=(0.1, 0.5, *_WORK_BUCKETS),
)
OPERATIONS_FINISHED = Counter(
    "dbaas_operations_finished", "Operations that ended, by how.", ["kind", "engine", "outcome"]
)
OPERATION_DURATION = Histogram(
    "dbaas_operation_duration_seconds",
    "How long an operation took from its acceptance to its end.",
    ["kind", "engine"],
    buckets=_WORK_BUCKETS,
)
CLUSTER_CALL_DURATION = Histogram(
    "dbaas_cluster_call_duration_seconds",
    "How long a cluster took to begin its answer; status `none` where it gave none.",
    ["cluster", "verb", "status"],
    buckets=_CALL_BUCKETS,
)
BREAKER_OPEN = Gauge(
    "dbaas_cluster_breaker_open",
    "1 while a cluster counts as unreachable, as the process saw it that called it last.",
    ["cluster"],
    multiprocess_mode="mostrecent",
)
BREAKER_REFUSALS = Counter(
    "dbaas_cluster_calls_refused", "Calls that were not made because the cluster counts as unreachable.", ["cluster"]
)
BACKUPS_FINISHED = Counter("dbaas_backups_finished", "Copies that ended, by how.", ["engine", "kind", "outcome"])
BACKUPS_MISSED = Counter("dbaas_backups_missed", "Slots of backup schedules at which no copy was taken.")


def count_end(*, kind: str, engine: str, outcome: str, took: timedelta) -> None:
    """Count an operation that ended, with the time since it was accepted."""
    OPERATIONS_FINISHED.labels(kind=kind, engine=engine, outcome=outcome).inc()
    OPERATION_DURATION.labels(kind=kind, engine=engine).observe(max(took.total_seconds(), 0.0))
