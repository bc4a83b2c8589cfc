"""`manage.py metrics`: every metric as a table; docs/metrics.md is its output."""

from typing import Any

from django.core.management.base import BaseCommand

from dbaas.health.metrics_page import page


class Command(BaseCommand):
    """Print the page, as Markdown."""

    help = "Print what /metrics shows: every metric of the product with its kind, its labels and what it means."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print it."""
        self.stdout.write(page(), ending="")
