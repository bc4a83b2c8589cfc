"""What drf-spectacular does not know about our API: the problem documents that every operation may answer with.

A view method says which errors of its own it can raise with `@raises(...)`; the rest (authentication, malformed bodies, rate) follows from the route.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from dbaas.api import errors as api_errors
from dbaas.api.problems import CONTENT_TYPE, status_of, title_of
from dbaas.core import errors

_View = TypeVar("_View", bound=Callable[..., Any])
_ATTRIBUTE = "problems"
_WITH_BODY = ("POST", "PUT", "PATCH")
_CHANGING = (*_WITH_BODY, "DELETE")

_OF_KEYS = "ApiKey"
"""The security scheme whose requirement names scopes; OpenAPI 3.1 allows that for every type of scheme."""

ProblemKind = type[errors.ProductError]


class ProblemFieldSerializer(serializers.Serializer[Any]):
    """One field that the caller must change."""

    field = serializers.CharField(help_text="Dotted path, such as `topology.replicas`; empty for the body as a whole.")
    message = serializers.CharField()
    code = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An RFC 9457 problem document."""

    type = serializers.CharField(help_text="Relative address of the page that explains this code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, and what to do.")
    code = serializers.CharField(help_text="Stable; switch on this.")
    request_id = serializers.CharField(help_text="Quote it when you ask for help; also in the header `X-Request-ID`.")
    errors = ProblemFieldSerializer(many=True)  # type: ignore[assignment] # the document's name for it; serializers use `errors` only after validation


PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description="How many at most: 1 to 200, by default 50."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before; keep the filters as they were."),
]
"""For `extend_schema(parameters=...)` of every list."""


IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the version that you mean to change."
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Repeat a request with the same key and nothing happens twice.",
)


@cache
def page_of(item: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the shape of one page of these, for `extend_schema(responses=...)`."""
    name = item.__name__.removesuffix("Serializer")
    cursor = serializers.CharField(
        allow_null=True, help_text="Send it as `cursor` for the next page; null on the last."
    )
    return inline_serializer(f"{name}Page", {"items": item(many=True), "next_cursor": cursor})


def raises(*kinds: ProblemKind) -> Callable[[_View], _View]:
    """Declare the errors that a view method can answer with, for the OpenAPI document."""

    def declare(view: _View) -> _View:
        setattr(view, _ATTRIBUTE, kinds)
        return view

    return declare


class ProblemAwareSchema(AutoSchema):
    """Add to every operation the problem responses that can occur, each with its codes and an example."""

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        by_status: dict[int, list[ProblemKind]] = defaultdict(list)
        for kind in self._problems():
            by_status[status_of(kind)].append(kind)
        for status, kinds in sorted(by_status.items()):
            response = OpenApiResponse(ProblemSerializer, _described(kinds), [_example(kind) for kind in kinds])
            bodies[str(status)] = self._get_response_for_code(response, str(status), [CONTENT_TYPE], direction)  # type: ignore[no-untyped-call]
        return bodies

    def get_auth(self) -> list[dict[str, Any]]:
        """Return each way to authenticate once; the settings and the authentication classes name the same ones."""
        ways: list[dict[str, Any]] = super().get_auth()
        scope = self._scope()
        named = [{name: [scope] if name == _OF_KEYS and scope else held for name, held in way.items()} for way in ways]
        return [way for index, way in enumerate(named) if way not in named[:index]]

    def _problems(self) -> list[ProblemKind]:
        declared = getattr(getattr(self.view, self.method.lower(), None), _ATTRIBUTE, None)
        found = [*self._of_form(), *self._of_caller(), *(self._usual() if declared is None else declared)]
        found.append(api_errors.TooManyRequests)
        return list(dict.fromkeys(found))

    def _of_form(self) -> list[ProblemKind]:
        if self.method in _WITH_BODY and self._get_request_body():  # type: ignore[no-untyped-call]
            return [
                errors.InvalidRequest,
                api_errors.MalformedJson,
                api_errors.TooLarge,
                api_errors.UnsupportedMediaType,
            ]
        return [errors.InvalidRequest] if any(item["in"] == "query" for item in self._get_parameters()) else []

    def _of_caller(self) -> list[ProblemKind]:
        if not self.view.get_authenticators():
            return []
        return [errors.Unauthenticated, api_errors.ScopeMissing, api_errors.NetworkForbidden]

    def _scope(self) -> str | None:
        """Return the scope that the view's method needs of an API key (accounts.api.permissions puts it there)."""
        return getattr(getattr(self.view, self.method.lower(), None), "scope", None)

    def _usual(self) -> list[ProblemKind]:
        """Return what a method can be expected to raise that declares nothing."""
        found: list[ProblemKind] = [errors.NotFound] if "{" in self.path else []
        if self.method in _CHANGING and self.view.get_authenticators():
            found += [errors.Forbidden, errors.Conflict, errors.Unprocessable]
        if self.method in ("PUT", "PATCH", "DELETE"):
            found.append(errors.Stale)
        return found


def _described(kinds: list[ProblemKind]) -> str:
    return "\n".join(f"- `{kind.code}`: {kind().detail}" for kind in kinds)


def _example(kind: ProblemKind) -> OpenApiExample:
    document = {
        "type": f"/docs/errors#{kind.code}",
        "title": title_of(kind),
        "status": status_of(kind),
        "detail": kind().detail,
        "code": kind.code,
        "request_id": "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90",
        "errors": [{"field": "name", "message": "This field is required.", "code": "required"}]
        if kind is errors.InvalidRequest
        else [],
    }
    return OpenApiExample(kind.code, value=document, response_only=True)
