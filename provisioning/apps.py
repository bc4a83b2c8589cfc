"""The application that provisions: see docs/architecture.md."""

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    """Databases and the operations on them."""

    name = "provisioning"
    verbose_name = "Databases and operations"

    def ready(self) -> None:
        """Add our health checks to the product's."""
        from provisioning.health import register_checks

        register_checks()
