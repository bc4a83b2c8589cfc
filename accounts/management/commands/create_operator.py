"""Make the first operator, or give one a new password, without a terminal: installers and the laptop launcher call this at every start."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.people import ensure_operator


class Command(BaseCommand):
    """Make or update a staff superuser; running it again changes nothing."""

    help = (
        "Make or update an operator. The password comes from an environment variable, so that no process list shows it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address and the name of the variable."""
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--password-env", required=True, metavar="NAME", help="the environment variable that holds the password"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make or update the operator."""
        password = os.environ.get(options["password_env"], "")
        if not password:
            raise CommandError(f"The environment variable {options['password_env']} is not set.")
        is_new = ensure_operator(email=options["email"], password=password)
        self.stdout.write(f"Operator {options['email']} {'made' if is_new else 'updated'}.")
