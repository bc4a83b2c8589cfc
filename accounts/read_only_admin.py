"""What all pages of the admin have in common that only show: members decide, or the product writes, and operators look."""

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin


class ReadOnly:
    """Rows that nobody adds, changes or deletes by hand; mix in before the page's own class."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds here."""
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes here."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here."""
        del request, obj
        return False


class ReadOnlyAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc] # the library is untyped
    """A page of such rows, newest first."""

    ordering = ("-pk",)
