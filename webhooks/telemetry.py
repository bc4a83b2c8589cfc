"""What /metrics says of webhooks, read from the metadata database when it is asked for."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dbaas.core.clock import SYSTEM_CLOCK
from webhooks.dispatching import oldest_due_age
from webhooks.models import Delivery, DeliveryState, Endpoint


class OutboxState(Collector):
    """Three numbers, each from one indexed query."""

    def collect(self) -> Iterator[Metric]:
        """Read the database and yield what it says now."""
        yield GaugeMetricFamily(
            "dbaas_webhook_oldest_due_seconds",
            "For how long the most overdue webhook message has waited to be sent.",
            value=oldest_due_age(now=SYSTEM_CLOCK.now()).total_seconds(),
        )
        yield GaugeMetricFamily(
            "dbaas_webhook_deliveries_pending",
            "Webhook messages that were not delivered yet.",
            value=Delivery.objects.filter(state=DeliveryState.PENDING, next_attempt_at__isnull=False).count(),
        )
        yield GaugeMetricFamily(
            "dbaas_webhooks_failing",
            "Enabled webhooks at which the last try failed.",
            value=Endpoint.objects.filter(is_enabled=True, failing_since__isnull=False).count(),
        )
