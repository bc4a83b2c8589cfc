"""That production starts only with secrets of its own and a database for servers, and then keeps to Django's own rules for it."""

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured

from dbaas.settings.env import DEVELOPMENT_SECRET
from tests.dbaas.settings.conftest import ENOUGH, ROOT, SECRETS, Given, Python


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Settings set logging up for their process: here, give it back to the tests."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def loaded(environment: str = "production") -> dict[str, Any]:
    """Return the settings that a process with this process's variables gets."""
    path = ROOT / "dbaas" / "settings" / f"{environment}.py"
    spec = importlib.util.spec_from_file_location(f"{environment}_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


def refusal() -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        loaded()
    return str(caught.value)


def test_that_nothing_that_matters_has_a_default(given: Given) -> None:
    given()

    told = refusal()

    assert [name for name in (*SECRETS, "BROKER_URL") if f"\n  {name}: " not in told] == []


@pytest.mark.parametrize("name", SECRETS)
def test_that_each_development_secret_is_refused(given: Given, name: str) -> None:
    given(**{**ENOUGH, name: DEVELOPMENT_SECRET})

    told = refusal()

    assert f"{name} is the development default: set a random one." in told
    assert DEVELOPMENT_SECRET not in told


@pytest.mark.parametrize("name", ["JWT_SIGNING_KEY", "API_KEY_PEPPER"])
def test_that_equal_secrets_are_refused(given: Given, name: str) -> None:
    given(**{**ENOUGH, name: SECRETS["SECRET_KEY"]})

    told = refusal()

    assert "must differ from each other" in told
    assert SECRETS["SECRET_KEY"] not in told


@pytest.mark.parametrize("url", ["", "sqlite:////tmp/x.sqlite3"])
def test_that_sqlite_is_refused_unless_it_is_asked_for(given: Given, url: str) -> None:
    given(**{**ENOUGH, "DATABASE_URL": url})
    told = refusal()
    given(ALLOW_SQLITE_IN_PRODUCTION="true")

    found = loaded()

    assert "ALLOW_SQLITE_IN_PRODUCTION=true" in told
    assert found["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"


def test_that_everything_that_is_wrong_is_told_at_once(given: Given) -> None:
    given(**{**ENOUGH, **dict.fromkeys(SECRETS, DEVELOPMENT_SECRET), "DATABASE_URL": ""})

    told = refusal()

    assert [word for word in (*SECRETS, "must differ", "DATABASE_URL is SQLite") if word not in told] == []


def test_that_a_process_does_not_start_on_what_is_refused(python: Python) -> None:
    ran = python("manage.py", "check", **{**ENOUGH, "SECRET_KEY": DEVELOPMENT_SECRET})

    assert ran.returncode != 0
    assert "SECRET_KEY is the development default" in ran.stderr
    assert "canary" not in ran.stderr


def test_that_django_finds_nothing_to_warn_about(python: Python) -> None:
    ran = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **ENOUGH)

    assert ran.returncode == 0, ran.stderr
    assert "no issues" in ran.stdout


def test_that_cookies_and_pages_go_over_tls_only(given: Given) -> None:
    given(**ENOUGH)

    found = loaded()

    assert found["DEBUG"] is False
    assert found["SECURE_SSL_REDIRECT"] is found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is True
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_that_without_a_proxy_no_header_is_believed(given: Given) -> None:
    given(**ENOUGH, BEHIND_TLS_PROXY="false")

    found = loaded()

    assert (found["SECURE_SSL_REDIRECT"], found["SECURE_PROXY_SSL_HEADER"]) == (False, None)


def test_that_lists_are_read_and_addresses_trimmed(given: Given) -> None:
    given(
        **{**ENOUGH, "ALLOWED_HOSTS": "a.example.com, b.example.com,"},
        CSRF_TRUSTED_ORIGINS="https://a.example.com",
        PUBLIC_URL="https://a.example.com/",
    )

    found = loaded()

    assert found["ALLOWED_HOSTS"] == ["a.example.com", "b.example.com"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://a.example.com"]
    assert found["PUBLIC_URL"] == "https://a.example.com"


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize(
    ("program", "socket_timeout"),
    [("/x/bin/celery", 10), ("/x/dbaas/processes.py", 10), ("manage.py", 0.4), ("/x/bin/granian", 0.4)],
)
def test_that_only_workers_wait_long_for_the_broker(
    given: Given, monkeypatch: pytest.MonkeyPatch, environment: str, program: str, socket_timeout: float
) -> None:
    given(**ENOUGH)
    monkeypatch.setattr(sys, "argv", [program])

    found = loaded(environment)

    assert found["CELERY"]["broker_transport_options"]["socket_timeout"] == socket_timeout


def test_that_development_starts_without_anything(given: Given) -> None:
    given()

    found = loaded("development")

    assert found["SECRET_KEY"] == DEVELOPMENT_SECRET
    assert found["CELERY"]["broker_url"] == "redis://127.0.0.1:6379/0"
