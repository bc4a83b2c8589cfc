"""That a stretch of time has sensible defaults and limits."""

from datetime import UTC, datetime, timedelta

import pytest

from dbaas.core.errors import InvalidRequest
from provisioning.metrics.window import Window, window_of

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def asked(start: datetime | None, end: datetime | None, step_seconds: int | None) -> Window:
    return window_of(start=start, end=end, step_seconds=step_seconds, now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "step", "window"),
    [
        (None, None, None, Window(start=NOW - HOUR, end=NOW, step_seconds=30)),
        (NOW - DAY, None, None, Window(start=NOW - DAY, end=NOW - DAY + HOUR, step_seconds=30)),
        (None, NOW - DAY, None, Window(start=NOW - DAY - HOUR, end=NOW - DAY, step_seconds=30)),
        (NOW - DAY, NOW, None, Window(start=NOW - DAY, end=NOW, step_seconds=720)),
        (NOW - timedelta(seconds=9), NOW, None, Window(start=NOW - timedelta(seconds=9), end=NOW, step_seconds=1)),
        (NOW - HOUR, NOW, 4, Window(start=NOW - HOUR, end=NOW, step_seconds=4)),
    ],
)
def test_that_what_is_left_out_has_defaults(
    start: datetime | None, end: datetime | None, step: int | None, window: Window
) -> None:
    assert asked(start, end, step) == window


@pytest.mark.parametrize(
    ("start", "end", "step", "field", "code"),
    [
        (NOW, NOW - HOUR, None, "from", "out_of_order"),
        (NOW, NOW, None, "from", "out_of_order"),
        (NOW - 32 * DAY, NOW, None, "from", "too_long"),
        (NOW - HOUR, NOW, 3, "step", "too_many_points"),
    ],
)
def test_that_what_makes_no_sense_is_refused(
    start: datetime, end: datetime, step: int | None, field: str, code: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked(start, end, step)

    assert [(error.field, error.code) for error in refused.value.errors] == [(field, code)]


def test_that_the_step_that_a_refusal_names_is_accepted() -> None:
    with pytest.raises(InvalidRequest, match="not valid") as refused:
        asked(NOW - 31 * DAY, NOW, 10)
    least = int(refused.value.errors[0].message.split("at least ")[1].split()[0])

    assert asked(NOW - 31 * DAY, NOW, least).step_seconds == least
