"""That the environment is read once, typed, from variables, files and the data folder, and that all its faults are told without values."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from dbaas.settings.env import data_dir_from, read_environment
from tests.dbaas.settings.conftest import ENOUGH, SECRETS, Given


def refusal(**defaults: Any) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment(**defaults)
    assert caught.value.__suppress_context__ or isinstance(caught.value.__cause__, OSError)
    return str(caught.value)


def test_that_what_is_enough_is_enough(given: Given) -> None:
    given(**ENOUGH)

    found = read_environment()

    assert (found.secret_key, found.broker_url) == (ENOUGH["SECRET_KEY"], ENOUGH["BROKER_URL"])
    assert (found.access_token_minutes, found.log_level, found.behind_tls_proxy) == (10, "INFO", True)


def test_that_all_missing_names_are_told_at_once(given: Given) -> None:
    given()

    told = refusal()

    assert [line.split(":")[0].strip() for line in told.splitlines()[1:]] == [*SECRETS, "BROKER_URL"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "canary-too-short"),
        ("DATABASE_URL", "oracle://bob:canary@db/x"),
        ("DATABASE_POOL_SIZE", "canary"),
        ("DATABASE_POOL_SIZE", "0"),
        ("ACCESS_TOKEN_MINUTES", "61"),
        ("REFRESH_TOKEN_DAYS", "1.5"),
        ("LOG_LEVEL", "canary"),
        ("LOG_FORMAT", "canary"),
        ("ALLOW_SQLITE_IN_PRODUCTION", "canary"),
        ("MAX_OPERATIONS_IN_DISPATCH", "-1"),
    ],
)
def test_that_a_bad_value_is_told_by_name_and_never_shown(given: Given, name: str, value: str) -> None:
    given(**ENOUGH, **{} if name in ENOUGH else {name: value})
    given(**{name: value})

    told = refusal()

    assert f"\n  {name}: " in told
    assert "canary" not in told
    assert len(told.splitlines()) == 2


def test_that_a_file_stands_for_a_value(given: Given, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("f" * 40 + "\r\n")
    given(**{name: value for name, value in ENOUGH.items() if name != "SECRET_KEY"}, SECRET_KEY_FILE=str(secret))

    assert read_environment(secret_key="d" * 40).secret_key == "f" * 40


def test_that_a_variable_wins_over_a_file(given: Given, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("f" * 40)
    given(**ENOUGH, SECRET_KEY_FILE=str(secret))

    assert read_environment().secret_key == ENOUGH["SECRET_KEY"]


def test_that_a_file_that_cannot_be_read_is_told(given: Given, tmp_path: Path) -> None:
    given(**ENOUGH, SECRET_KEY_FILE=str(tmp_path / "nothing"))

    assert str(tmp_path / "nothing") in refusal()


def test_that_the_launcher_s_file_fills_what_is_missing(given: Given, tmp_path: Path) -> None:
    (tmp_path / "dbaas.env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    given(BROKER_URL="redis://127.0.0.1:1/0", SECRET_KEY="v" * 40)

    found = read_environment(jwt_signing_key="d" * 40, public_url="http://default")

    assert (found.secret_key, found.jwt_signing_key) == ("v" * 40, SECRETS["JWT_SIGNING_KEY"])
    assert found.public_url == "http://default"


def test_that_a_default_gives_way_to_a_variable(given: Given) -> None:
    given(**ENOUGH, PUBLIC_URL="https://given")

    assert read_environment(public_url="http://default").public_url == "https://given"


def test_that_a_prometheus_is_found_over_http(given: Given) -> None:
    given(**ENOUGH, PROMETHEUS_URL="prometheus:9090")

    assert "PROMETHEUS_URL" in refusal()
    assert "http" in refusal()


def test_that_what_else_is_set_is_ignored(given: Given, tmp_path: Path) -> None:
    (tmp_path / "dbaas.env").write_text("ADMIN_PASSWORD=x\n# a comment\n\n")
    given(**ENOUGH, SOMETHING_ELSE="x")

    assert not hasattr(read_environment(), "admin_password")


def test_that_the_environment_does_not_change(given: Given) -> None:
    given(**ENOUGH)

    with pytest.raises(ValueError, match="frozen"):
        read_environment().secret_key = "x"


def test_that_the_data_folder_has_a_default_in_the_checkout(tmp_path: Path) -> None:
    assert data_dir_from({}).name == "var"
    assert data_dir_from({"DBAAS_DATA_DIR": ""}).name == "var"
    assert data_dir_from({"DBAAS_DATA_DIR": str(tmp_path)}) == tmp_path
