"""Every route, by everybody: the answer is the one that the permission table demands.

Routes come from the URL patterns, callers from tests.isolation.callers, objects and bodies from tests.isolation.rows.
"""

import re
from typing import Any

import pytest
from django.http import HttpResponse

from accounts.api.routes import Route, api_routes
from tests.cast import Api, body_of
from tests.isolation.callers import CALLERS, Case
from tests.isolation.estate import NOBODY, Estate
from tests.isolation.rows import ROWS, Row


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


ROUTES = {name_of(route): route for route in api_routes()}
NAMES = sorted(set(ROUTES) & set(ROWS))


def send(client: Api, route: Route, address: dict[str, Any], body: dict[str, Any] | None) -> HttpResponse:
    """Make the request."""
    path = re.sub(r"<\w+:(\w+)>", lambda match: str(address[match[1]]), route.path)
    if route.method in ("GET", "DELETE"):
        return client.get(path) if route.method == "GET" else client.delete(path)
    call = {"POST": client.post, "PUT": client.put, "PATCH": client.patch}[route.method]
    return call(path, body)


def made(row: Row, estate: Estate) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the address and the body."""
    return row.address(estate), row.body(estate) if row.body else None


def test_that_no_route_is_without_a_row() -> None:
    assert sorted(set(ROUTES) - set(ROWS)) == []


def test_that_no_row_is_without_a_route() -> None:
    assert sorted(set(ROWS) - set(ROUTES)) == []


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", NAMES)
def test_that_everybody_gets_what_the_table_allows(api: Api, shop: Estate, name: str, caller: str) -> None:
    case = Case(route=ROUTES[name], row=ROWS[name])
    address, body = made(case.row, shop)
    client = CALLERS[caller].client(api, shop, case)

    response = send(client, case.route, address, body)

    status, code = CALLERS[caller].expected(case)
    assert response.status_code == status, response.content
    assert code is None or body_of(response)["code"] == code


def _without_request_id(response: HttpResponse) -> dict[str, Any]:
    return {name: value for name, value in body_of(response).items() if name != "request_id"}


@pytest.mark.parametrize("name", [name for name in NAMES if "<uuid" in name])
def test_that_what_is_foreign_cannot_be_told_from_what_is_missing(api: Api, shop: Estate, name: str) -> None:
    route, row = ROUTES[name], ROWS[name]
    address, body = made(row, shop)
    client = CALLERS["stranger"].client(api, shop, Case(route=route, row=row))

    foreign = send(client, route, address, body)
    missing = send(client, route, dict.fromkeys(address, NOBODY), body)

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert _without_request_id(foreign) == _without_request_id(missing)
