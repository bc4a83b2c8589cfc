"""Pages by key: newest first, on UUIDv7 primary keys, whose order is the order of creation.

No page numbers and no totals: both get slower with the table, and both lie while rows come and go.
"""

import hashlib
from typing import Any, TypedDict, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import Model, QuerySet
from rest_framework.request import Request

from dbaas.api.errors import CursorInvalid
from dbaas.core.errors import FieldError, InvalidRequest

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
_SALT = "dbaas.api.pagination"
_FILTER_DIGITS = 16

_Row = TypeVar("_Row")
_Queryset = QuerySet[Any, Any]


class Page(TypedDict):
    """One page: the objects, and the cursor of the next page (None on the last)."""

    items: list[Any]
    next_cursor: str | None


def page(queryset: "QuerySet[Model, _Row]", request: Request) -> Page:
    """Return the page that `limit` and `cursor` ask for, newest first; one query.

    Raises: InvalidRequest — `limit` is not 1 to 200. CursorInvalid — the cursor was altered, or belongs to another list or other filters.
    """
    limit = _limit(request)
    if cursor := request.query_params.get("cursor"):
        queryset = queryset.filter(pk__lt=_position(cursor, request))
    rows = list(queryset.order_by("-pk")[: limit + 1])
    if len(rows) <= limit:
        return {"items": rows, "next_cursor": None}
    return {"items": rows[:limit], "next_cursor": _cursor(rows[limit - 1], request)}


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(LIMIT_DEFAULT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LIMIT_MAX):
        problem = FieldError(field="limit", message=f"Must be a whole number from 1 to {LIMIT_MAX}.", code="invalid")
        raise InvalidRequest(errors=[problem])
    return int(text)


def _cursor(row: Any, request: Request) -> str:
    last = row["id"] if isinstance(row, dict) else row.pk
    return signing.dumps([last.hex, _filters(request)], salt=_SALT)


def _position(cursor: str, request: Request) -> UUID:
    try:
        last, filters = signing.loads(cursor, salt=_SALT)
        position = UUID(hex=last)
    except (signing.BadSignature, ValueError) as error:
        raise CursorInvalid from error
    if filters != _filters(request):
        raise CursorInvalid
    return position


def _filters(request: Request) -> str:
    """Tell lists apart: a cursor of one is no place in another."""
    kept = sorted(
        (name, value)
        for name, values in request.query_params.lists()
        if name not in ("limit", "cursor")
        for value in values
    )
    return hashlib.sha256(repr((request.path, kept)).encode()).hexdigest()[:_FILTER_DIGITS]
