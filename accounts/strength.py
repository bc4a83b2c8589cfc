"""What a password must be like."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from dbaas.core.errors import FieldError, InvalidRequest


def require_strong(password: str, user: User, *, field: str = "password") -> None:
    """Accept a password for this person, or say why not.

    Raises: InvalidRequest — one error per reason, all at `field`.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        found = [
            FieldError(field=field, message=" ".join(item.messages), code=item.code or "invalid")
            for item in error.error_list
        ]
        raise InvalidRequest(errors=found) from error
