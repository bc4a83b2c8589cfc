"""`manage.py prepare_laptop`: everything that the metadata database needs on one machine.

One process for all of it, because starting Django three times takes seconds.
"""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Idempotent: run at every start."""

    requires_system_checks = ()
    """They import every view, which costs seconds; the web process and `make check` run them."""

    help = "Everything that the laptop launcher needs before our own processes start."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--kubeconfig", required=True)
        parser.add_argument("--operator-email", required=True)
        parser.add_argument("--operator-password-env", required=True)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do the five things in order."""
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        call_command("create_operator", email=options["operator_email"], password_env=options["operator_password_env"])
        call_command(
            "register_cluster",
            "pocket",
            region="local",
            kubeconfig=options["kubeconfig"],
            external_service_type="NodePort",
            node_address="127.0.0.1",
            default_access="external",
        )
        call_command("prepare_backups", "pocket")
        call_command("prepare_accounts", "pocket", kubeconfigs=True)
