from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts import login_limits, sessions
from accounts.actor import Origin
from accounts.login_limits import (
    FORGOTTEN_AFTER,
    NETWORK,
    PERSON,
    PERSON_FROM_NETWORK,
    TooManyAttempts,
    forget_old,
    give_back,
    pay,
)
from accounts.models import AuditEvent, LoginFailures, User
from dbaas.core.clock import SYSTEM_CLOCK
from tests.cast import PASSWORD, Api, problem

pytestmark = pytest.mark.django_db
HERE = Origin(address="192.0.2.1")
ELSEWHERE = Origin(address="198.51.100.9")
NOON = datetime.fromisoformat("2026-01-31T12:00:00+00:00")


def _fail(count: int, *, email: str = "alice@example.com", origin: Origin = HERE, now: datetime = NOON) -> datetime:
    """Guess wrongly so many times, as quickly as it is allowed, and return when that was over."""
    while count:
        try:
            pay(email=email, origin=origin, now=now)
            count -= 1
        except TooManyAttempts as refusal:
            now += refusal.retry_after or timedelta()
    return now


def _wait(*, email: str = "alice@example.com", origin: Origin = HERE, now: datetime) -> float:
    """Return how many seconds the next guess would have to wait."""
    try:
        pay(email=email, origin=origin, now=now)
    except TooManyAttempts as refusal:
        return (refusal.retry_after or timedelta()).total_seconds()
    return 0.0


def test_after_some_wrong_guesses_the_right_one_must_wait(api: Api, alice: User) -> None:
    for _ in range(PERSON_FROM_NETWORK.free):
        assert api.post("auth/login", {"email": alice.email, "password": "wrong"}).status_code == 401

    response = api.post("auth/login", {"email": alice.email, "password": PASSWORD})

    assert problem(response) == (429, "auth.too_many_attempts")
    assert response["Retry-After"] == "1"
    assert AuditEvent.objects.filter(action="session.refused").count() == PERSON_FROM_NETWORK.free


def test_somebody_without_an_account_waits_as_long(api: Api) -> None:
    answers = [api.post("auth/login", {"email": "nobody@example.com", "password": "wrong"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    waits, now = [], _fail(PERSON_FROM_NETWORK.free)
    for _ in range(12):
        waits.append(_wait(now=now))
        now = _fail(1, now=now)

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_refused_guess_does_not_make_the_wait_longer() -> None:
    now = _fail(PERSON_FROM_NETWORK.free)

    waits = [_wait(now=now) for _ in range(20)]

    assert waits == [1] * 20


def test_guesses_from_elsewhere_make_a_person_wait_half_a_minute_at_most() -> None:
    now = _fail(200, origin=ELSEWHERE)

    assert _wait(origin=HERE, now=now) <= PERSON.longest.total_seconds()


def test_one_network_cannot_try_many_people() -> None:
    now = NOON
    for number in range(NETWORK.free + 10):
        now = _fail(1, email=f"person{number}@example.com", origin=Origin(address=f"192.0.2.{number}"), now=now)

    assert _wait(email="another@example.com", origin=Origin(address="192.0.2.250"), now=now) == 60
    assert _wait(email="another@example.com", origin=ELSEWHERE, now=now) == 0


@pytest.mark.parametrize(
    ("other", "is_one"),
    [("192.0.2.200", True), ("192.0.3.1", False), ("::ffff:192.0.2.7", True), ("2001:db8::1", False)],
)
def test_neighbours_are_one_network(other: str, is_one: bool) -> None:
    now = _fail(PERSON_FROM_NETWORK.free, origin=HERE)

    assert (_wait(origin=Origin(address=other), now=now) > 0) is is_one


def test_a_right_password_is_given_back(alice: User) -> None:
    for _ in range(30):
        sessions.log_in(email=alice.email, password=PASSWORD, origin=HERE)

    assert list(LoginFailures.objects.values_list("failures", flat=True)) == [0, 0]


def test_a_right_password_clears_this_persons_failures_but_not_the_networks() -> None:
    now = _fail(PERSON_FROM_NETWORK.free - 1)
    pay(email="alice@example.com", origin=HERE, now=now)

    give_back(email="alice@example.com", origin=HERE, now=now)

    assert _wait(now=now) == 0
    assert max(LoginFailures.objects.values_list("failures", flat=True)) == PERSON_FROM_NETWORK.free


def test_failures_are_forgotten_after_an_hour_of_quiet() -> None:
    now = _fail(PERSON_FROM_NETWORK.free + 8)

    later = now + FORGOTTEN_AFTER + timedelta(seconds=1)

    assert [_wait(now=later) for _ in range(PERSON_FROM_NETWORK.free + 1)] == [0] * PERSON_FROM_NETWORK.free + [1]


def test_old_counts_are_removed() -> None:
    _fail(1, now=NOON)
    _fail(1, email="bob@example.com", origin=ELSEWHERE, now=NOON + FORGOTTEN_AFTER)

    assert forget_old(now=NOON + FORGOTTEN_AFTER + timedelta(seconds=1)) == 3
    assert LoginFailures.objects.count() == 3


def test_many_guesses_at_once_are_all_counted(
    at_once: Callable[[list[Callable[[], Any]]], list[Any]],
) -> None:
    now = SYSTEM_CLOCK.now()

    outcomes = at_once([lambda: pay(email="alice@example.com", origin=HERE, now=now)] * 12)

    let_through = outcomes.count(None)
    assert let_through <= PERSON_FROM_NETWORK.free
    assert {type(outcome) for outcome in outcomes} <= {type(None), TooManyAttempts}


def test_a_guess_that_cannot_be_counted_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    pay(email="alice@example.com", origin=HERE, now=NOON)
    original = LoginFailures.objects.filter
    before = LoginFailures.objects.count()

    class _AlwaysLate:
        def __init__(self, **_: Any) -> None: ...

        def filter(self, **_: Any) -> "_AlwaysLate":
            return self

        def first(self) -> LoginFailures | None:
            return original().order_by("subject").first()

        def update(self, **_: Any) -> int:
            return 0

    monkeypatch.setattr(LoginFailures.objects, "filter", _AlwaysLate)

    with pytest.raises(TooManyAttempts):
        pay(email="alice@example.com", origin=HERE, now=NOON)
    assert LoginFailures.objects.count() == before


def test_the_first_guess_of_two_at_once_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: Iterator[bool] = iter([False, True, True, True])
    original = login_limits._inserted

    def late(subject: str, columns: dict[str, object]) -> bool:
        return next(answers) and original(subject, columns)

    monkeypatch.setattr(login_limits, "_inserted", late)

    pay(email="alice@example.com", origin=HERE, now=NOON)

    assert LoginFailures.objects.count() == 3
    monkeypatch.undo()
    assert login_limits._inserted(LoginFailures.objects.all()[0].subject, {"failures": 1}) is False
