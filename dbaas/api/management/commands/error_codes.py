"""Write docs/errors.md, or check that it is fresh."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dbaas.api.error_codes import as_markdown, error_codes


class Command(BaseCommand):
    """Keep the page of error codes in step with the classes."""

    help = "Write docs/errors.md from the error classes; with --check, fail if it differs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to write, and whether only to look."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is not fresh")
        parser.add_argument("--path", type=Path, default=Path(settings.BASE_DIR) / "docs" / "errors.md")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write or compare."""
        path: Path = options["path"]
        text = as_markdown(error_codes())
        if not options["check"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            self.stdout.write(f"{path} written.")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            raise CommandError(f"{path} is not fresh: run manage.py error_codes.")
