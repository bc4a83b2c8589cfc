"""The application that knows who is calling."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, their sessions and API keys, and the audit trail of what they did."""

    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Listen to log-ins of the admin, and add our metrics to the product's."""
        from accounts.operator_sessions import connect
        from accounts.telemetry import collector
        from dbaas.health.metrics import register_collector

        connect()
        register_collector(collector())
