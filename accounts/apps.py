"""The application that knows who is calling."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, their sessions and API keys, and the audit trail of what they did."""

    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Make the schemes known to the OpenAPI generator, which finds them by being imported."""
        from accounts.api import schema  # noqa: F401 -- importing is what registers them
