"""How customers ask for an operation: the fields of the body, and the check that comes before anything is accepted. Pure.

The API makes a route, a schema and its documentation from it, so that an operation's file is all that there is to an operation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from accounts.permissions import Permission
from dbaas.core.errors import Rejected
from provisioning.sizes import Resources

FieldType = Literal["text", "number", "yes_no", "object", "moment", "id"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the body."""

    name: str
    type: FieldType
    description: str
    required: bool = False
    default: Any = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What the check found: the operation may begin."""

    params: Mapping[str, Any] = field(default_factory=dict)
    """Kept with the operation, for its steps: complete, checked, JSON, no secrets."""
    grows_to: Resources | None = None
    """What all nodes take together once it is done, where that changes: the difference is reserved before it begins."""


Check = Callable[[Any, Any, Mapping[str, Any]], Accepted]
"""From the database's row, its engine and the body (None where nothing was said) to what is accepted. Raises what `Request.refuses` names."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `POST databases/{id}/<verb>` takes."""

    verb: str
    summary: str
    description: str
    check: Check
    permission: Permission = Permission.DATABASES_WRITE
    """What the caller must be permitted to do."""
    fields: tuple[Field, ...] = ()
    refuses: tuple[type[Rejected], ...] = ()
    """What the check may raise."""
    example: Mapping[str, Any] = field(default_factory=dict)
