"""Tests that a body changes what it may change and nothing else, whatever else it names: mass assignment, and ids of other tenants."""

import re
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator

from accounts.models import User
from tests.cast import Api, body_of
from tests.isolation.estate import NOBODY, Estate, estate
from tests.isolation.rows import ROWS
from tests.isolation.rowset import contents
from tests.isolation.test_matrix import NAMES, ROUTES, made, send

WITH_BODY = [name for name in NAMES if ROWS[name].body]
_APPS = ("accounts", "tenants", "provisioning", "webhooks")
COLUMNS = sorted(
    {
        field.attname
        for name in _APPS
        for model in apps.get_app_config(name).get_models()
        for field in model._meta.concrete_fields
    }
)
WORDS = ("is_operator", "operator", "owner", "actor", "quota", "admin", "via", "links", "active_operation", "etag")


class _Undone(Exception):
    pass


@pytest.fixture
def theirs(charlie: User, shop: Estate) -> Estate:
    """Charlie's tenant, which has what alice's has."""
    del shop
    made_one = estate(charlie, "theirs")
    assert made_one.backup
    return made_one


def _poison(body: dict[str, Any], accepts: set[str], theirs: Estate) -> dict[str, Any]:
    """Return the body with every column and every read-only word that the route does not take, as an attacker would fill them."""
    foreign = {"tenant": theirs.tenant.id, "user": theirs.owner.id, "database": theirs.database.id}
    values: dict[str, Any] = {}
    for name in {*COLUMNS, *WORDS} - accepts - set(body):
        ids = next((str(value) for kind, value in foreign.items() if name.removesuffix("_id") == kind), None)
        values[name] = ids or (str(theirs.tenant.id) if name.endswith("_id") or name == "id" else _value_for(name))
    return {**values, **body}


def _value_for(name: str) -> Any:
    if name.startswith(("is_", "simulated", "used")):
        return True
    return "2030-01-01T00:00:00Z" if name.endswith("_at") else 999


def _left_behind(
    api: Api, name: str, address: dict[str, Any], body: dict[str, Any], known: dict[str, str]
) -> tuple[int, list[str]]:
    """Make the request, look at what it left, and take it back."""
    status, rows = 0, list[str]()
    try:
        with transaction.atomic():
            status = send(api, ROUTES[name], address, body).status_code
            rows = contents(known)
            raise _Undone
    except _Undone:
        return status, rows


@pytest.mark.parametrize("name", WITH_BODY)
def test_that_fields_which_a_body_does_not_have_change_nothing(
    api: Api, shop: Estate, theirs: Estate, name: str
) -> None:
    row = ROWS[name]
    address, body = made(row, shop)
    assert body is not None
    known = {str(owned.tenant.id): owned.tenant.name for owned in (shop, theirs)}
    known |= {str(owned.owner.id): owned.owner.email for owned in (shop, theirs)}
    known |= {str(owned.database.id): f"database of {owned.tenant.name}" for owned in (shop, theirs)}
    client = api.by(shop.owner)

    honest = _left_behind(client, name, address, body, known)
    poisoned = _left_behind(client, name, address, _poison(body, _accepted_by(name), theirs), known)

    assert poisoned == honest


def _accepted_by(name: str) -> set[str]:
    """Return the names that the route's body may have, as the OpenAPI document tells them."""
    method, _, path = name.partition(" ")
    operation = _document()["paths"]["/api/v1/" + _plain(path)][method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return set()
    return set(_document()["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]["properties"])


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call] # the library's
    return document


def _plain(path: str) -> str:
    return re.sub(r"<\w+:(\w+)>", r"{\1}", path)


BODIES_WITH_IDS: dict[str, Any] = {
    "POST databases": lambda other: {"tenant": "{own}", "name": "stolen", "restore_from": {"backup": other.backup}},
    "POST databases (a moment)": lambda other: {
        "tenant": "{own}",
        "name": "stolen",
        "restore_from": {"database": other.database, "point_in_time": "2026-01-31T00:00:00Z"},
    },
    "POST databases/<uuid:database_id>/restore": lambda other: {"backup": other.backup},
}


class _Ids:
    """Ids for a body: somebody else's, or nobody's."""

    def __init__(self, backup: object, database: object) -> None:
        self.backup, self.database = str(backup), str(database)


@pytest.mark.parametrize("name", BODIES_WITH_IDS)
def test_that_a_foreign_id_in_a_body_is_as_good_as_none(api: Api, shop: Estate, theirs: Estate, name: str) -> None:
    assert shop.backup
    route = ROUTES[name.partition(" (")[0]]
    make = BODIES_WITH_IDS[name]
    client = api.by(shop.owner)

    answers = []
    for ids in (_Ids(theirs.backup.id, theirs.database.id), _Ids(NOBODY, NOBODY)):
        body = {key: str(shop.tenant.id) if value == "{own}" else value for key, value in make(ids).items()}
        response = send(client, route, {"database_id": shop.database.id}, body)
        answers.append(
            (response.status_code, {key: value for key, value in body_of(response).items() if key != "request_id"})
        )

    assert answers[0] == answers[1]
    assert answers[0][0] in (400, 404, 409, 422)
