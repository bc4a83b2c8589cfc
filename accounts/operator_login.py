"""The admin's log-in form: Django's, with the limits on wrong passwords that the API's log-in has, and a second factor for who has one."""

import math
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from accounts import audit, login_limits, second_factor
from accounts.actor import origin_of
from accounts.login_limits import TooManyAttempts
from accounts.models import User, normalized_email
from dbaas.core.clock import SYSTEM_CLOCK


class OperatorLoginForm(AuthenticationForm):  # type: ignore[misc] # the library is untyped
    """E-mail address, password and, for who has a second factor, its code."""

    code = forms.CharField(
        required=False,
        max_length=40,
        label="Code of your second factor, if you have one",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": " ".join(BASE_INPUT_CLASSES)}
        ),
    )

    def clean(self) -> dict[str, Any]:
        """Check password and code, unless too many wrong ones were tried lately."""
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
        self._require_second_factor(cleaned.get("code", ""))
        login_limits.give_back(**guess)
        return cleaned

    def _require_second_factor(self, code: str) -> None:
        user: User = self.get_user()
        if second_factor.is_enrolled(user.id):
            if not second_factor.is_right(user, code):
                audit.record_refused_login(user_id=user.id, email=user.email, origin=origin_of(self.request))
                raise ValidationError("Enter the present code of your second factor, or a recovery code.")
        elif settings.STAFF_NEEDS_TOTP:
            raise ValidationError(
                "Operators need a second factor here: enrol with POST /api/v1/auth/second-factor, then log in again."
            )
