from datetime import timedelta

import pytest

from accounts import sessions
from accounts.actor import Origin
from accounts.login_limits import PER_ADDRESS, PER_PERSON_AND_ADDRESS, WINDOW, TooManyAttempts
from accounts.models import AuditEvent, User
from dbaas.core.clock import SYSTEM_CLOCK
from tests.cast import PASSWORD, Api, problem


class _Later:
    def now(self) -> object:
        return SYSTEM_CLOCK.now() + WINDOW + timedelta(seconds=1)


def _refusals(count: int, *, email: str, address: str) -> None:
    for _ in range(count):
        AuditEvent.objects.create(
            via="session",
            action="session.refused",
            object_type="user",
            actor_email=email,
            address=address,
            outcome="refused",
        )


def test_after_ten_wrong_guesses_the_right_one_must_wait(api: Api, alice: User) -> None:
    for _ in range(PER_PERSON_AND_ADDRESS):
        api.post("auth/login", {"email": alice.email, "password": "wrong"})

    response = api.post("auth/login", {"email": alice.email, "password": PASSWORD})

    assert problem(response) == (429, "auth.too_many_attempts")
    assert response["Retry-After"] == "900"


def test_guesses_from_elsewhere_do_not_lock_a_person_out(alice: User) -> None:
    _refusals(PER_PERSON_AND_ADDRESS, email=alice.email, address="198.51.100.9")

    assert sessions.log_in(email=alice.email, password=PASSWORD, origin=Origin(address="192.0.2.1"))


def test_one_address_cannot_try_many_people(alice: User) -> None:
    for number in range(PER_ADDRESS):
        _refusals(1, email=f"person{number}@example.com", address="198.51.100.9")

    with pytest.raises(TooManyAttempts):
        sessions.log_in(email=alice.email, password=PASSWORD, origin=Origin(address="198.51.100.9"))


def test_the_wait_ends(alice: User) -> None:
    _refusals(PER_PERSON_AND_ADDRESS, email=alice.email, address="192.0.2.1")

    pair = sessions.log_in(email=alice.email, password=PASSWORD, origin=Origin(address="192.0.2.1"), clock=_Later())  # type: ignore[arg-type]

    assert pair.access
