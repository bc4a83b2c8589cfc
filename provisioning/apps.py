"""The application that provisions: see docs/architecture.md."""

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    """Databases and the operations on them."""

    name = "provisioning"
    verbose_name = "Databases and operations"

    def ready(self) -> None:
        """Add our health checks and metrics to the product's."""
        from dbaas.health.metrics import register_collector
        from provisioning.health import register_checks
        from provisioning.telemetry import collectors

        register_checks()
        for collector in collectors():
            register_collector(collector)
