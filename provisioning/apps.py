"""The application that provisions: see docs/architecture.md."""

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    """Databases and the operations on them."""

    name = "provisioning"
    verbose_name = "Databases and operations"
