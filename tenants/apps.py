"""The application that knows on whose behalf somebody is calling."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Tenants, their members and what they may use."""

    name = "tenants"
    verbose_name = "Tenants"
