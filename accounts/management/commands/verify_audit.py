"""Check the audit trail, or print what a later check can be held against. See docs/audit.md."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import AuditEvent
from accounts.trail.verification import Head, heads, verify_all

_SHOWN = 50
"""Faults printed at most: whoever rewrote a chain rewrote it from somewhere on."""


class Command(BaseCommand):
    """Verify every chain; exit code 1 where one was touched."""

    help = "Check that no audit event was changed, removed or put in since it was sealed. Exit code 1 if one was."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the two ways of working with heads."""
        parser.add_argument(
            "--print-heads", action="store_true", help="print every chain's end as JSON; keep it elsewhere"
        )
        parser.add_argument("--expect", type=Path, metavar="FILE", help="what --print-heads printed earlier")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print heads or faults."""
        if options["print_heads"]:
            found = {name: {"position": head.position, "digest": head.digest} for name, head in heads().items()}
            self.stdout.write(json.dumps(found, indent=1))
            return
        faults = list(verify_all(_expected(options["expect"])))
        for fault in faults[:_SHOWN]:
            self.stdout.write(str(fault))
        if faults:
            raise CommandError(f"{len(faults)} faults: the audit trail was touched.")
        waiting = AuditEvent.objects.filter(position=None).count()
        self.stdout.write(f"The audit trail is whole; {len(heads())} chains, {waiting} events not sealed yet.")


def _expected(path: Path | None) -> dict[str, Head]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: Head(position=int(head["position"]), digest=str(head["digest"])) for name, head in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} is not what --print-heads printed: {error}.") from error
