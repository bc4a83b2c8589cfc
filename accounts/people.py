"""New people: by registration through the API, or as operators from the command line."""

from django.conf import settings
from django.db import IntegrityError

from accounts import audit
from accounts.actor import Credential, Origin, Via, actor_of
from accounts.models import User, normalized_email
from accounts.strength import require_strong
from dbaas.core.db import atomic
from dbaas.core.errors import Conflict, Forbidden


class EmailTaken(Conflict):
    """There is an account with this e-mail address: log in instead."""

    code = "account.email_taken"


class RegistrationClosed(Forbidden):
    """Accounts are made by invitation only: ask somebody who uses it for one."""

    code = "account.registration_closed"


def register(*, email: str, password: str, name: str, origin: Origin, is_invited: bool = False) -> User:
    """Store a new person.

    Raises: RegistrationClosed — only who is invited may. InvalidRequest — the password is too weak; the errors say why. EmailTaken.
    """
    if not (is_invited or settings.OPEN_REGISTRATION):
        raise RegistrationClosed
    require_strong(password, User(email=normalized_email(email), name=name))
    try:
        with atomic():
            user = User.objects.create_user(email, password, name=name)
            actor = actor_of(user, origin, Credential(via=Via.SESSION))
            audit.record(actor, action="account.registered", object_type="user", object_id=user.id)
    except IntegrityError as error:
        raise EmailTaken from error
    return user


def ensure_operator(*, email: str, password: str) -> bool:
    """Make this person an active operator with this password; return whether they are new. Running it again changes nothing."""
    with atomic():
        user = User.objects.filter(email=normalized_email(email)).first()
        if user is None:
            user = User.objects.create_superuser(email, password)
            is_new = True
        else:
            is_new = False
            _promote(user, password)
        actor = actor_of(user, Origin(), Credential(via=Via.SYSTEM))
        audit.record(actor, action="account.operator_ensured", object_type="user", object_id=user.id)
    return is_new


def _promote(user: User, password: str) -> None:
    if not user.check_password(password):
        user.set_password(password)
        user.session_epoch += 1
    user.is_active = user.is_staff = user.is_superuser = True
    user.save(update_fields=["password", "session_epoch", "is_active", "is_staff", "is_superuser"])
