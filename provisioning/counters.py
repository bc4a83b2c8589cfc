"""What every process counts of its own work, for /metrics: rates of these show trouble that no single row shows."""

from prometheus_client import Counter

CLAIMS = Counter("dbaas_claims", "Operations taken on by a worker.")
LEASES_LOST = Counter("dbaas_leases_lost", "Tries whose work was dropped because a later worker had the operation.")
WORKERS_LOST = Counter("dbaas_workers_lost", "Claims that took over from a worker that never came back.")
BECAME_STUCK = Counter("dbaas_operations_stuck", "Operations that stopped for an operator to decide.", ["kind"])
PUBLISH_FAILURES = Counter(
    "dbaas_publish_failures", "Messages that the broker did not take; the dispatcher sends them."
)
