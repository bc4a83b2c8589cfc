"""That an error says what happened in its own words, or in those of its class."""

from datetime import timedelta

import pytest

from dbaas.core.errors import FieldError, Permanent, ProductError, Rejected, Stale, Transient


class Wordy(Permanent):
    """It went wrong
    on two lines.

    This is for programmers.
    """  # noqa: D205 -- how the lines are joined is under test


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (Wordy(), "It went wrong on two lines."),
        (Wordy("Only this."), "Only this."),
        (Stale(), "The object changed since you read it: read it again and repeat the change with the new ETag."),
    ],
)
def test_that_the_docstring_is_the_default_detail(error: ProductError, detail: str) -> None:
    assert (error.detail, str(error)) == (detail, detail)


def test_that_a_rejection_carries_what_the_caller_needs() -> None:
    wrong = FieldError(field="name", message="taken.", code="taken")

    error = Rejected(errors=[wrong], extra={"operation": "1"}, retry_after=timedelta(seconds=2))

    assert (error.errors, error.extra, error.retry_after) == ((wrong,), {"operation": "1"}, timedelta(seconds=2))
    assert (Rejected().errors, Rejected().extra, Rejected().retry_after) == ((), {}, None)


def test_that_a_transient_error_carries_how_long_to_wait() -> None:
    assert Transient(retry_after=timedelta(seconds=7)).retry_after == timedelta(seconds=7)
    assert Transient().retry_after is None
