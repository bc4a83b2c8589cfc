from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django import DjangoAssertNumQueries

from dbaas.health import checks, startup
from tests.cast import Api, body_of

SECRET = "redis://:hunter2@broker:6379"


def _broken() -> None:
    raise ConnectionError(SECRET)


@contextmanager
def _registered(name: str, check: checks.Check, *, required: bool) -> Iterator[None]:
    checks.register(name, check, required=required)
    try:
        yield
    finally:
        checks.unregister(name)


@pytest.fixture
def only_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the check that this package registers; other applications test theirs."""
    monkeypatch.setattr(checks, "_registered", {})
    checks.register("database", checks.metadata_database, required=True)


def test_live_needs_no_database(api: Api, django_assert_num_queries: object) -> None:
    del django_assert_num_queries
    response = api.get("/health/live")

    assert (response.status_code, body_of(response)) == (200, {"status": "ok"})


@pytest.mark.django_db
@pytest.mark.usefixtures("only_database")
def test_ready_shows_each_check_with_its_latency(api: Api) -> None:
    response = api.get("/health/ready")

    shown = body_of(response)["checks"]["database"]
    assert response.status_code == 200
    assert (shown["status"], shown["required"], shown["error"]) == ("ok", True, None)
    assert shown["latency_ms"] >= 0


@pytest.mark.django_db
@pytest.mark.usefixtures("only_database")
def test_a_required_check_that_fails_makes_the_service_unready(api: Api) -> None:
    with _registered("broker", _broken, required=True):
        response = api.get("/health/ready")

    assert response.status_code == 503
    assert body_of(response)["status"] == "failed"
    assert body_of(response)["checks"]["broker"]["error"] == "ConnectionError"
    assert SECRET not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("only_database")
def test_an_optional_check_that_fails_only_degrades_it(api: Api) -> None:
    with _registered("watcher", _broken, required=False):
        response = api.get("/health/ready")

    assert (response.status_code, body_of(response)["status"]) == (200, "degraded")


@pytest.mark.django_db
@pytest.mark.usefixtures("only_database")
def test_the_summary_is_one_word_per_check(api: Api) -> None:
    with _registered("watcher", _broken, required=False):
        response = api.get("/health/")

    assert body_of(response) == {"status": "degraded", "database": "ok", "watcher": "failed"}


@pytest.mark.django_db(transaction=True)
def test_startup_passes_once_schema_and_rollback_are_proven_and_asks_no_more(
    api: Api, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(startup, "_proven", startup._Proven())

    first = api.get("/health/startup")
    with django_assert_num_queries(0):
        second = api.get("/health/startup")

    assert (first.status_code, second.status_code) == (200, 200)


def test_health_is_never_cached(api: Api) -> None:
    assert "no-store" in api.get("/health/live")["Cache-Control"]


def test_health_only_reads(api: Api) -> None:
    assert api.post("/health/live").status_code == 405
