"""Failures as Kubernetes words them, so that clients can react to `reason` and `details`; no HTTP code lives here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One field that is wrong: `reason` is a FieldValue* word, `field` a dotted path."""

    reason: str
    field: str
    message: str

    def as_body(self) -> Body:
        """Give the entry of `details.causes`."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


class ApiError(Exception):
    """A request that ends in a Status object with `status: Failure`."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}
        self.headers = dict(headers or {})

    def as_status(self) -> Body:
        """Give the body that the client receives."""
        status: Body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details:
            status["details"] = self.details
        status["code"] = self.code
        return status


def qualified(plural: str, group: str) -> str:
    """Give `secrets` for the core group and `postgreses.kubedb.com` for any other."""
    return f"{plural}.{group}" if group else plural


def _details(name: str, group: str, kind: str) -> Body:
    details = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in details.items() if value}


def bad_request(message: str) -> ApiError:
    """Make a 400 for a request that no server could understand."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """Make the 401 that says nothing about why."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(plural: str, group: str, name: str, why: str, *, causes: Sequence[Cause] = ()) -> ApiError:
    """Make a 403 in the words of the authorizer and of admission plug-ins."""
    details = _details(name, group, plural)
    if causes:
        details["causes"] = [cause.as_body() for cause in causes]
    subject = f'{qualified(plural, group)} "{name}"' if name else qualified(plural, group)
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", details=details)


def denied_by_webhook(webhook: str, why: str) -> ApiError:
    """Make the 403 of an admission webhook that refused."""
    return ApiError(403, "Forbidden", f'admission webhook "{webhook}" denied the request: {why}')


def path_not_found() -> ApiError:
    """Make the 404 for a path that serves nothing."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_found(plural: str, group: str, name: str) -> ApiError:
    """Make the 404 for an object that does not exist."""
    message = f'{qualified(plural, group)} "{name}" not found'
    return ApiError(404, "NotFound", message, details=_details(name, group, plural))


def method_not_allowed() -> ApiError:
    """Make the 405 for a verb that the resource does not have."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def already_exists(plural: str, group: str, name: str) -> ApiError:
    """Make the 409 for a name that is taken."""
    message = f'{qualified(plural, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details=_details(name, group, plural))


def conflict(plural: str, group: str, name: str, why: str, *, causes: Sequence[Cause] = ()) -> ApiError:
    """Make the 409 for an object that has changed since the client read it."""
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    details = _details(name, group, plural)
    if causes:
        details["causes"] = [cause.as_body() for cause in causes]
    return ApiError(409, "Conflict", message, details=details)


MODIFIED_MEANWHILE = "the object has been modified; please apply your changes to the latest version and try again"


def apply_conflict(causes: Sequence[Cause]) -> ApiError:
    """Make the 409 for server-side apply on fields that others own."""
    noun = "conflict" if len(causes) == 1 else "conflicts"
    fields = "\n".join(f"- {cause.field}" for cause in causes)
    listing = f"{causes[0].message}: {causes[0].field}" if len(causes) == 1 else f"{causes[0].message}:\n{fields}"
    message = f"Apply failed with {len(causes)} {noun}: {listing}"
    return ApiError(409, "Conflict", message, details={"causes": [cause.as_body() for cause in causes]})


def expired(message: str) -> ApiError:
    """Make the 410 for a resourceVersion or continue token that is too old."""
    return ApiError(410, "Expired", message)


def unsupported_media_type(wanted: Sequence[str]) -> ApiError:
    """Make the 415 for a patch type that the resource does not understand."""
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(wanted)
    return ApiError(415, "UnsupportedMediaType", message)


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """Make the 422 that lists every wrong field."""
    lines = [f"{cause.field}: {cause.message}" for cause in causes]
    text = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
    details = _details(name, group, kind)
    details["causes"] = [cause.as_body() for cause in causes]
    return ApiError(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {text}', details=details)


def quoted(value: object) -> str:
    """Give a value as Go prints it in field errors: strings quoted, the rest plain."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "{}" if not value else "object"
    return "null" if value is None else str(value)


def required_field(field: str, why: str = "") -> Cause:
    """Say that a field is missing."""
    return Cause(reason="FieldValueRequired", field=field, message="Required value" + (f": {why}" if why else ""))


def invalid_field(field: str, value: object, why: str) -> Cause:
    """Say that a field has a value that cannot be."""
    return Cause(reason="FieldValueInvalid", field=field, message=f"Invalid value: {quoted(value)}: {why}")


def unsupported_field(field: str, value: object, supported: Sequence[object]) -> Cause:
    """Say that a field has a value outside its enumeration."""
    listed = ", ".join(quoted(option) for option in supported)
    message = f"Unsupported value: {quoted(value)}: supported values: {listed}"
    return Cause(reason="FieldValueNotSupported", field=field, message=message)


def forbidden_field(field: str, why: str) -> Cause:
    """Say that a field must not be given or changed."""
    return Cause(reason="FieldValueForbidden", field=field, message=f"Forbidden: {why}")
