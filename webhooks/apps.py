"""The application that tells tenants' own systems what happened."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Endpoints, the outbox and its deliveries."""

    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """Add our health check and metrics to the product's."""
        import webhooks.counters  # noqa: F401 -- so that every process that shows metrics knows them
        from dbaas.health.metrics import register_collector
        from webhooks.health import register_checks
        from webhooks.telemetry import collector

        register_checks()
        register_collector(collector())
