"""Requests that schemathesis makes from the OpenAPI document: valid ones, and ones that are wrong in one place."""

import json
import re
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode, openapi
from schemathesis.core.result import Ok

from dbaas.wsgi import application
from tests.isolation.estate import Estate
from tests.isolation.rows import ROWS, Row

Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]
_PREFIX = "/api/v1/"
_KINDS = {"name": "str"}
"""Of the values in paths; what is not listed is an id."""
_OUR_OWN = ("Authorization", "X-API-Key")


@cache
def operations() -> dict[str, Operation]:
    """Return every operation of the document, by method and path."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call] # the library's
    schema = openapi.from_dict(json.loads(json.dumps(document, default=str)))
    schema.app = application
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


def cases(operation: Operation, estate: Estate) -> st.SearchStrategy[Request]:
    """Return requests for this operation, most of them about things that exist."""
    row = row_of(operation)
    address = {name: str(value) for name, value in row.address(estate).items()}
    addresses = [address, None] if address else [None]
    modes = [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if _can_be_wrong(operation) else [])]
    strategies = [operation.as_strategy(mode, path_parameters=kept) for mode in modes for kept in addresses]
    return st.one_of(*strategies).flatmap(lambda case: st.booleans().map(lambda real: _about(case, estate, real=real)))


def row_of(operation: Operation) -> Row:
    """Return the matrix's row of this operation."""
    path = re.sub(
        r"{(\w+)}", lambda match: f"<{_KINDS.get(match[1], 'uuid')}:{match[1]}>", operation.path.removeprefix(_PREFIX)
    )
    return ROWS[f"{operation.method.upper()} {path}"]


def _can_be_wrong(operation: Operation) -> bool:
    """Tell whether there is anything besides what the path holds that a request could get wrong."""
    return bool(operation.body or operation.query or operation.path_parameters)


def _about(case: Request, estate: Estate, *, real: bool) -> Request:
    """Let a body speak of things that exist, and leave the credentials to the roles."""
    for name in _OUR_OWN:
        case.headers.pop(name, None)
    known: dict[str, Any] = {"tenant": estate.tenant.id, "backup": estate.backup.id, "database": estate.database.id}
    if real and isinstance(case.body, dict):
        for name, value in known.items():
            if isinstance(case.body.get(name), str):
                case.body[name] = str(value)
    return case
