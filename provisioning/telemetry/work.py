"""What /metrics says of the whole system, read from the metadata database when it is asked for: the same whichever process answers."""

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.dispatching import oldest_due_age
from provisioning.models import Finding, Heartbeat, Operation
from provisioning.states import MOVING, OperationState

_WHAT = ("leaked", "foreign", "missing", "drifted", "quota")


class SystemState(Collector):
    """Few numbers, each from one indexed query."""

    def collect(self) -> Iterator[Metric]:
        """Read the database and yield what it says now."""
        now = SYSTEM_CLOCK.now()
        yield GaugeMetricFamily(
            "dbaas_oldest_due_seconds",
            "For how long the most overdue operation has waited for a worker.",
            value=oldest_due_age(now=now).total_seconds(),
        )
        yield _by_label("dbaas_operations", "Operations that have not ended.", "state", _operations())
        yield _by_label("dbaas_findings_open", "What does not fit between ledger and clusters.", "what", _findings())
        ages = {beat.name: (now - beat.beat_at).total_seconds() for beat in Heartbeat.objects.all()}
        yield _by_label("dbaas_heartbeat_age_seconds", "When each part last did its work.", "name", ages)


def _operations() -> dict[str, float]:
    states = [str(state) for state in (*MOVING, OperationState.STUCK)]
    counted = Operation.objects.filter(state__in=states).values_list("state").annotate(Count("id"))
    return dict.fromkeys(sorted(states), 0.0) | {state: float(number) for state, number in counted}


def _findings() -> dict[str, float]:
    counted = Finding.objects.filter(closed_at=None).values_list("what").annotate(Count("id"))
    return dict.fromkeys(_WHAT, 0.0) | {what: float(number) for what, number in counted}


def _by_label(name: str, help_text: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
