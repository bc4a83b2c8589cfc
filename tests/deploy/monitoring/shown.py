"""What rules and dashboards may ask for: what we show, what Prometheus adds, what the rules record; each with its labels."""

from dbaas.health.metrics_page import described
from tests.deploy.monitoring.promtool import rules

_OF_PROMETHEUS = {"up": {"job", "instance"}}


def labels_shown() -> dict[str, set[str]]:
    """Return the labels by name of the series, those of a histogram's three included."""
    found: dict[str, set[str]] = {rule["record"]: set() for rule in rules() if "record" in rule} | _OF_PROMETHEUS
    for metric in described():
        labels = set(metric.labels)
        if metric.kind.startswith("histogram"):
            found |= {
                f"{metric.name}_bucket": labels | {"le"},
                f"{metric.name}_count": labels,
                f"{metric.name}_sum": labels,
            }
        else:
            found[metric.name] = labels
    return found
