"""Log-ins to the admin go on record like those to the API; Django does them itself and only sends signals."""

from typing import Any

from django.contrib.auth import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from accounts import audit
from accounts.actor import Credential, Via, actor_of, origin_of
from accounts.models import User, normalized_email

_TO_ADMIN = {"to": "admin"}


def connect() -> None:
    """Listen from now on; called once, when the application is ready."""
    user_logged_in.connect(_logged_in, dispatch_uid="audit")
    user_logged_out.connect(_logged_out, dispatch_uid="audit")
    user_login_failed.connect(_refused, dispatch_uid="audit")


def _logged_in(request: HttpRequest, user: User, **_: Any) -> None:
    _record(request, user, "session.started")


def _logged_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        _record(request, user, "session.ended")


def _refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    if request is None:
        return  # somebody's own program that asks Django for a password: nobody called
    email = normalized_email(str(credentials.get("username", "")))[:254]
    user_id = User.objects.filter(email=email).values_list("id", flat=True).first()
    audit.record_refused_login(user_id=user_id, email=email, origin=origin_of(request))


def _record(request: HttpRequest, user: User, action: str) -> None:
    actor = actor_of(user, origin_of(request), Credential(via=Via.SESSION))
    audit.record(actor, action=action, object_type="user", object_id=user.id, detail=_TO_ADMIN)
