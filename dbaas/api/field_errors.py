"""Flatten the nested errors of a serializer into a list of dotted paths, which is what clients can show beside a form's fields."""

from collections.abc import Iterator
from typing import Any

from dbaas.core.errors import FieldError

_WHOLE = "non_field_errors"


def field_errors_from(detail: Any) -> tuple[FieldError, ...]:
    """Return one `FieldError` per message: `members.0.role`, `topology.replicas`; an empty path means the body as a whole."""
    return tuple(_walk(detail, ()))


def _walk(detail: Any, path: tuple[str, ...]) -> Iterator[FieldError]:
    if isinstance(detail, dict):
        for key, inner in detail.items():
            yield from _walk(inner, path if key == _WHOLE else (*path, str(key)))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _walk(inner, (*path, str(index)) if isinstance(inner, dict | list) else path)
    else:
        yield FieldError(field=".".join(path), message=str(detail), code=str(getattr(detail, "code", "invalid")))
