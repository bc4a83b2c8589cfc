"""How a view says which permission each of its methods needs, and the check that holds every request to it.

A new route: `@needs(Permission.X)` below `@extend_schema` on each method. A method that names none is closed to everybody (a test finds it first).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.actor import Credential
from accounts.permissions import RULES, Permission, opens
from dbaas.api.errors import ScopeMissing

if TYPE_CHECKING:  # rest_framework.views imports this module, because the settings name the class below
    from rest_framework.views import APIView

_View = TypeVar("_View", bound=Callable[..., Any])
_ATTRIBUTE = "permission"


def needs(permission: Permission) -> Callable[[_View], _View]:
    """Declare what a caller of this method must be permitted to do."""

    def declare(view: _View) -> _View:
        setattr(view, _ATTRIBUTE, permission)
        view.scope = RULES[permission].scope  # type: ignore[attr-defined] # dbaas.api.openapi shows it
        return view

    return declare


def needed_by(view: "APIView | type[APIView]", method: str) -> Permission | None:
    """Return what this method of the view declares; None for nothing, and for a method that the view does not have."""
    return getattr(getattr(view, method.lower(), None), _ATTRIBUTE, None)


class IsPermitted(BasePermission):
    """Let a request reach its view if its credential's scopes allow what the view declares. Roles are asked where the tenant is known."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Tell whether the request may go on.

        Raises: ScopeMissing — the API key lacks the scope.
        """
        method = "get" if request.method == "HEAD" else str(request.method).lower()
        permission = needed_by(view, method)
        if permission is None:
            is_let_in = bool(request.user) or not view.authentication_classes
            return is_let_in and not hasattr(view, method)  # what there is not is answered with 405
        if RULES[permission].for_anybody:
            return True
        if not request.user:
            return False
        credential: Credential = request.auth  # type: ignore[assignment] # both of our authentication classes put one there
        if not opens(credential.scopes, permission):
            raise ScopeMissing(extra={"scope_needed": RULES[permission].scope})
        return True
