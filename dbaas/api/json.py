"""JSON in and out, by orjson: about ten times faster than the standard library, and strict (no NaN, no invalid UTF-8)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any

import orjson
from django.utils.functional import Promise
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from dbaas.api.errors import MalformedJson


def dumps(document: Any) -> bytes:
    """Return JSON; times as RFC 3339 in UTC with a Z and milliseconds, which is what every database of ours keeps."""
    return orjson.dumps(document, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def timestamp(moment: datetime) -> str:
    """Return an aware moment as 2026-01-31T23:59:59.999Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Promise | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be part of an answer.")


class JSONParser(BaseParser):
    """Read a body that must be a JSON object."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the object.

        Raises: MalformedJson — it is not JSON, or not an object.
        """
        del media_type, parser_context
        try:
            document = orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise MalformedJson(f"The body is not JSON: {error}.") from error
        if not isinstance(document, dict):
            raise MalformedJson("The body must be a JSON object, not a list or a single value.")
        return document


class JSONRenderer(BaseRenderer):
    """Write an answer."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return JSON, or nothing for an answer without a body."""
        del accepted_media_type, renderer_context
        return b"" if data is None else dumps(data)
