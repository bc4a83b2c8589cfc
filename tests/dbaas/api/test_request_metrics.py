"""That requests are counted and timed by route, never by path."""

import pytest
from prometheus_client import REGISTRY

from accounts.models import User
from dbaas.api.request_metrics import NO_ROUTE, template_of
from tests.cast import Api

DATABASE = "/api/v1/databases/{database_id}"


def counted(route: str, method: str, status: str) -> float:
    labels = {"route": route, "method": method, "status": status}
    return REGISTRY.get_sample_value("dbaas_http_requests_total", labels) or 0.0


def timed(route: str, method: str) -> float:
    labels = {"route": route, "method": method}
    return REGISTRY.get_sample_value("dbaas_http_request_duration_seconds_count", labels) or 0.0


def test_that_a_request_counts_for_its_route(api: Api, alice: User) -> None:
    counted_before, timed_before = counted(DATABASE, "GET", "404"), timed(DATABASE, "GET")

    for last in ("1", "2"):
        api.by(alice).get(f"databases/00000000-0000-7000-8000-00000000000{last}")

    assert counted(DATABASE, "GET", "404") - counted_before == 2
    assert timed(DATABASE, "GET") - timed_before == 2


@pytest.mark.django_db
def test_that_what_fits_no_route_makes_no_series_of_its_own(api: Api) -> None:
    before = counted(NO_ROUTE, "GET", "404")

    api.get("/nowhere/one")
    api.get("/nowhere/two")

    assert counted(NO_ROUTE, "GET", "404") - before == 2


@pytest.mark.django_db
def test_that_a_method_that_nobody_knows_makes_no_series_of_its_own(api: Api) -> None:
    before = timed("/health/live", "other")

    api.client.generic("CANARY", "/health/live")

    assert timed("/health/live", "other") - before == 1


@pytest.mark.parametrize(
    ("route", "template"),
    [
        ("api/v1/databases/<uuid:database_id>/backups", "/api/v1/databases/{database_id}/backups"),
        ("admin/<path:object_id>/", "/admin/{object_id}/"),
        ("metrics", "/metrics"),
        ("^static/(?P<path>.*)$", "/static/(?P{path}.*)"),
    ],
)
def test_that_routes_are_written_as_documents_write_them(route: str, template: str) -> None:
    assert template_of(route) == template
