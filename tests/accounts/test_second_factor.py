from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client
from pytest_django import Settings

from accounts import second_factor, sessions
from accounts.models import AuditEvent, RecoveryCode, SecondFactor, User
from accounts.second_factor import NoSecondFactor, NotAnOperator, SecondFactorExists, is_right
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import InvalidRequest
from tests.cast import PASSWORD, Api, acting, body_of, problem

pytestmark = pytest.mark.django_db
NOON = datetime.fromisoformat("2026-01-31T12:00:00+00:00")


class _At:
    """A clock that stands still."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def operator() -> User:
    """Somebody who may use the admin."""
    return User.objects.create_superuser("operator@example.com", PASSWORD)


@pytest.fixture
def enrolled(operator: User) -> tuple[pyotp.TOTP, list[str]]:
    """The operator's authenticator, in use since long before noon, and the recovery codes."""
    device = pyotp.TOTP(second_factor.begin(acting(operator)).secret)
    before = _At(NOON - timedelta(hours=1))
    return device, second_factor.confirm(acting(operator), code=device.at(before.now()), clock=before)


def _log_in_to_admin(code: str = "", password: str = PASSWORD) -> bytes:
    form = {"username": "operator@example.com", "password": password, "code": code}
    response = Client().post("/admin/login/", form)
    return b"" if response.status_code == 302 else response.content


def test_an_operator_enrols_with_a_code_and_gets_recovery_codes(api: Api, operator: User) -> None:
    caller = api.by(operator)

    begun = caller.post("auth/second-factor")
    secret = body_of(begun)["secret"]
    confirmed = caller.post("auth/second-factor/confirm", {"code": pyotp.TOTP(secret).now()})

    assert (begun.status_code, begun["Cache-Control"], confirmed.status_code) == (201, "no-store", 200)
    assert body_of(begun)["uri"].startswith("otpauth://totp/DBaaS:operator%40example.com?")
    assert len(set(body_of(confirmed)["recovery_codes"])) == 10
    assert body_of(caller.get("auth/second-factor")) == {"is_enrolled": True, "recovery_codes_left": 10}
    assert AuditEvent.objects.get(action="second_factor.enrolled").actor_id == operator.id


def test_a_secret_counts_only_once_a_code_was_entered(operator: User) -> None:
    second_factor.begin(acting(operator))

    assert not second_factor.is_enrolled(operator.id)
    assert not is_right(operator, "000000")
    assert _log_in_to_admin() == b""


def test_asking_again_makes_another_secret(operator: User) -> None:
    first, second = (second_factor.begin(acting(operator)).secret for _ in range(2))

    with pytest.raises(InvalidRequest):
        second_factor.confirm(acting(operator), code=pyotp.TOTP(first).now())
    assert second_factor.confirm(acting(operator), code=pyotp.TOTP(second).now())


def test_two_who_begin_at_once_leave_one_secret(
    at_once: Callable[[list[Callable[[], Any]]], list[Any]], operator: User
) -> None:
    outcomes = at_once([lambda: second_factor.begin(acting(operator))] * 4)

    assert {type(outcome).__name__ for outcome in outcomes} <= {"Enrolment", "SecondFactorExists"}
    assert SecondFactor.objects.count() == 1


def test_who_enrolled_at_the_same_moment_elsewhere_has_one_already(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enrolled_meanwhile(_row: SecondFactor, _column: str, _plain: str) -> None:
        SecondFactor.objects.create(user=operator, secret="other", confirmed_at=NOON)

    monkeypatch.setattr("accounts.second_factor.seal", enrolled_meanwhile)

    with pytest.raises(SecondFactorExists):
        second_factor.begin(acting(operator))
    assert SecondFactor.objects.get().secret == "other"


def test_a_secret_that_was_replaced_meanwhile_is_not_taken_into_use(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = pyotp.TOTP(second_factor.begin(acting(operator)).secret)
    monkeypatch.setattr("accounts.login_limits.give_back", lambda **_guess: second_factor.begin(acting(operator)))

    with pytest.raises(NoSecondFactor):
        second_factor.confirm(acting(operator), code=device.now())
    assert not second_factor.is_enrolled(operator.id)


def test_second_factors_are_for_operators(api: Api, alice: User) -> None:
    assert problem(api.by(alice).post("auth/second-factor")) == (403, "second_factor.operators_only")
    with pytest.raises(NotAnOperator):
        second_factor.begin(acting(alice))


def test_nobody_has_two(api: Api, operator: User, enrolled: tuple[pyotp.TOTP, list[str]]) -> None:
    caller = api.by(operator)

    assert problem(caller.post("auth/second-factor")) == (409, "second_factor.exists")
    assert problem(caller.post("auth/second-factor/confirm", {"code": "000000"})) == (409, "second_factor.exists")
    assert enrolled


@pytest.mark.parametrize("verb", ["confirm", "remove"])
def test_without_one_there_is_nothing_to_confirm_or_remove(api: Api, operator: User, verb: str) -> None:
    assert problem(api.by(operator).post(f"auth/second-factor/{verb}", {"code": "000000"})) == (
        409,
        "second_factor.none",
    )


@pytest.mark.parametrize(("seconds_off", "is_good"), [(0, True), (-30, True), (30, True), (-90, False), (90, False)])
def test_a_clock_may_be_half_a_minute_wrong(
    operator: User, enrolled: tuple[pyotp.TOTP, list[str]], seconds_off: int, is_good: bool
) -> None:
    code = enrolled[0].at(NOON + timedelta(seconds=seconds_off))

    assert is_right(operator, code, clock=_At(NOON)) is is_good


def test_each_code_is_good_for_one_use_and_ends_those_before(
    operator: User, enrolled: tuple[pyotp.TOTP, list[str]]
) -> None:
    earlier, code = (enrolled[0].at(NOON + timedelta(seconds=off)) for off in (-30, 0))

    used = [is_right(operator, text, clock=_At(NOON)) for text in (code, code, earlier)]

    assert used == [True, False, False]


def test_of_two_uses_of_a_code_at_once_one_is_good(
    at_once: Callable[[list[Callable[[], bool]]], list[bool]],
    operator: User,
    enrolled: tuple[pyotp.TOTP, list[str]],
) -> None:
    device, recovery_codes = enrolled
    code = device.at(NOON)

    by_device = at_once([lambda: is_right(operator, code, clock=_At(NOON))] * 4)
    by_recovery = at_once([lambda: is_right(operator, recovery_codes[0])] * 4)

    assert (by_device.count(True), by_recovery.count(True)) == (1, 1)


def test_a_recovery_code_is_good_once_however_it_is_written(
    operator: User, enrolled: tuple[pyotp.TOTP, list[str]]
) -> None:
    code = enrolled[1][3]

    used = [is_right(operator, text) for text in (f" {code.upper().replace('-', ' ')} ", code)]

    assert used == [True, False]
    assert RecoveryCode.objects.count() == 9


def test_neither_secret_nor_codes_are_stored_in_plain(operator: User, enrolled: tuple[pyotp.TOTP, list[str]]) -> None:
    device, codes = enrolled
    rows = [*SecondFactor.objects.values_list(), *RecoveryCode.objects.values_list(), *AuditEvent.objects.values_list()]

    stored = " ".join(str(row) for row in rows)

    assert device.secret not in stored
    assert [code for code in codes if code in stored or code.replace("-", "") in stored] == []
    assert device.secret not in repr(second_factor.Enrolment(secret=device.secret, uri=device.secret))
    assert operator


def test_the_admin_asks_for_it(operator: User, enrolled: tuple[pyotp.TOTP, list[str]]) -> None:
    device, codes = enrolled

    without, wrong = _log_in_to_admin(), _log_in_to_admin("000000")
    by_device, by_recovery = _log_in_to_admin(device.now()), _log_in_to_admin(codes[0])

    assert b"Enter the present code of your second factor" in without
    assert b"Enter the present code of your second factor" in wrong
    assert (by_device, by_recovery) == (b"", b"")
    assert AuditEvent.objects.filter(action="session.refused", actor_id=operator.id).count() == 2


def test_codes_cannot_be_guessed(operator: User, enrolled: tuple[pyotp.TOTP, list[str]]) -> None:
    answers = [_log_in_to_admin(f"{number:06}") for number in range(6)]

    assert b"Too many failed log-ins lately" in answers[5]
    assert b"Too many failed log-ins lately" in _log_in_to_admin(enrolled[0].now())
    assert operator


def test_a_wrong_password_is_told_as_before(operator: User, enrolled: tuple[pyotp.TOTP, list[str]]) -> None:
    told = _log_in_to_admin(enrolled[0].now(), password="wrong")

    assert b"second factor, or a recovery code" not in told
    assert b"correct" in told
    assert operator


def test_the_log_in_page_has_a_field_for_it() -> None:
    page = Client().get("/admin/login/").content

    assert b'name="code"' in page
    assert b'name="password"' in page


def test_operators_can_be_made_to_have_one(operator: User, settings: Settings) -> None:
    settings.STAFF_NEEDS_TOTP = True

    assert b"Operators need a second factor here" in _log_in_to_admin()

    device = pyotp.TOTP(second_factor.begin(acting(operator)).secret)
    second_factor.confirm(acting(operator), code=device.at(SYSTEM_CLOCK.now() - timedelta(seconds=30)))
    assert _log_in_to_admin(device.now()) == b""


def test_it_is_removed_for_a_code(api: Api, operator: User, enrolled: tuple[pyotp.TOTP, list[str]]) -> None:
    caller = api.by(operator)

    refused = caller.post("auth/second-factor/remove", {"code": "000000"})
    removed = caller.post("auth/second-factor/remove", {"code": enrolled[1][0]})

    assert problem(refused) == (400, "request.invalid")
    assert removed.status_code == 204
    assert body_of(caller.get("auth/second-factor")) == {"is_enrolled": False, "recovery_codes_left": 0}
    assert _log_in_to_admin() == b""
    assert AuditEvent.objects.get(action="second_factor.removed").object_id == str(operator.id)


def test_another_operator_can_remove_it_where_all_is_lost(
    operator: User, enrolled: tuple[pyotp.TOTP, list[str]]
) -> None:
    other = User.objects.create_superuser("other@example.com", PASSWORD)
    client = Client()
    client.force_login(other)

    client.post("/admin/accounts/user/", {"action": "remove_second_factor", "_selected_action": [str(operator.id)]})
    client.post("/admin/accounts/user/", {"action": "remove_second_factor", "_selected_action": [str(other.id)]})

    assert _log_in_to_admin() == b""
    assert AuditEvent.objects.get(action="second_factor.removed").actor_id == other.id
    assert enrolled


def test_a_second_factor_that_exists_cannot_be_confirmed_again(
    operator: User, enrolled: tuple[pyotp.TOTP, list[str]]
) -> None:
    with pytest.raises(SecondFactorExists):
        second_factor.confirm(acting(operator), code=enrolled[0].now())


def test_ending_all_sessions_ends_those_in_the_admin_too(operator: User) -> None:
    client = Client()
    client.post("/admin/login/", {"username": operator.email, "password": PASSWORD})
    assert client.get("/admin/").status_code == 200

    sessions.end_all_of(acting(operator), operator.id)

    assert client.get("/admin/").status_code == 302
