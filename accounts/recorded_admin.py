"""Put on record what an operator adds, changes and deletes in the admin, where no service of ours does it."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from accounts import audit
from accounts.actor import actor_from


class RecordedAdmin:
    """Mix in before ModelAdmin: each change becomes an audit event `<model>.added`, `.changed` or `.deleted` beside Django's own log entry.

    What changed is told by the names of fields, never by their values.
    """

    def log_addition(self, request: HttpRequest, object: Any, message: Any) -> Any:  # noqa: A002 -- Django's name for it
        """Record that an object was added."""
        _record(request, object, "added", message)
        return super().log_addition(request, object, message)  # type: ignore[misc] # of ModelAdmin

    def log_change(self, request: HttpRequest, object: Any, message: Any) -> Any:  # noqa: A002 -- Django's name for it
        """Record that an object was changed."""
        _record(request, object, "changed", message)
        return super().log_change(request, object, message)  # type: ignore[misc] # of ModelAdmin

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        """Record that objects were deleted, each by itself."""
        for found in queryset:
            _record(request, found, "deleted", [])
        return super().log_deletions(request, queryset)  # type: ignore[misc] # of ModelAdmin


def _record(request: HttpRequest, changed: Any, verb: str, message: Any) -> None:
    kind = changed._meta.model_name
    detail = {"name": str(changed), "message": message}
    audit.record(actor_from(request), action=f"{kind}.{verb}", object_type=kind, object_id=changed.pk, detail=detail)
