"""Tests that the pages that are made from the code are fresh: `make docs` writes them."""

from io import StringIO

from django.core.management import call_command

from tests.docs.pages import ROOT


def test_that_the_operations_are_those_of_the_code() -> None:
    printed = StringIO()
    call_command("operations", stdout=printed)

    assert (ROOT / "docs/operations.md").read_text(encoding="utf-8") == printed.getvalue()


def test_that_the_errors_are_those_of_the_code() -> None:
    call_command("error_codes", check=True)


def test_that_the_permissions_are_those_of_the_code() -> None:
    printed = StringIO()
    call_command("permissions", stdout=printed)

    assert (ROOT / "docs/permissions.md").read_text(encoding="utf-8") == printed.getvalue()


def test_that_the_metrics_are_those_of_the_code() -> None:
    printed = StringIO()
    call_command("metrics", stdout=printed)

    assert (ROOT / "docs/metrics.md").read_text(encoding="utf-8") == printed.getvalue()
