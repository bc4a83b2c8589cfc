"""The admin's log-in form: Django's, with the limits on wrong passwords that the API's log-in has."""

import math
from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts import login_limits
from accounts.actor import origin_of
from accounts.login_limits import TooManyAttempts
from accounts.models import normalized_email
from dbaas.core.clock import SYSTEM_CLOCK


class OperatorLoginForm(AuthenticationForm):  # type: ignore[misc] # the library is untyped
    """E-mail address and password of an operator."""

    def clean(self) -> dict[str, Any]:
        """Check the password, unless too many wrong ones were tried lately."""
        guess: dict[str, Any] = {
            "email": normalized_email(str(self.cleaned_data.get("username", ""))),
            "origin": origin_of(self.request),
            "now": SYSTEM_CLOCK.now(),
        }
        try:
            login_limits.pay(**guess)
        except TooManyAttempts as refusal:
            seconds = math.ceil(refusal.retry_after.total_seconds()) if refusal.retry_after else 1
            raise ValidationError(f"Too many failed log-ins lately: try again in {seconds} s.") from refusal
        cleaned: dict[str, Any] = super().clean()
        login_limits.give_back(**guess)
        return cleaned
