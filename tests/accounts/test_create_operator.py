import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db


def _run(monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD) -> None:
    monkeypatch.setenv("OPERATOR_PASSWORD", password)
    call_command("create_operator", email="Op@example.com", password_env="OPERATOR_PASSWORD")


def test_an_operator_is_made(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _run(monkeypatch)

    operator = User.objects.get(email="op@example.com")
    assert (operator.is_staff, operator.is_superuser, operator.check_password(PASSWORD)) == (True, True, True)
    assert PASSWORD not in capsys.readouterr().out


def test_running_it_again_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _run(monkeypatch)
    before = User.objects.values().get(email="op@example.com")

    _run(monkeypatch)

    assert User.objects.values().get(email="op@example.com") == before


def test_a_new_password_is_set_and_ends_old_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    _run(monkeypatch)

    _run(monkeypatch, "another long pass phrase")

    operator = User.objects.get(email="op@example.com")
    assert operator.check_password("another long pass phrase")
    assert operator.session_epoch == 1


def test_somebody_who_exists_becomes_an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_user("op@example.com", PASSWORD, is_active=False)

    _run(monkeypatch)

    operator = User.objects.get(email="op@example.com")
    assert (operator.is_active, operator.is_staff, operator.is_superuser) == (True, True, True)


def test_without_a_password_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPERATOR_PASSWORD", raising=False)

    with pytest.raises(CommandError, match="OPERATOR_PASSWORD is not set"):
        call_command("create_operator", email="op@example.com", password_env="OPERATOR_PASSWORD")
