"""Bodies of the routes about passwords."""

from typing import Any

from rest_framework import serializers


def _new_password() -> serializers.CharField:
    return serializers.CharField(
        max_length=256, trim_whitespace=False, help_text="At least 12 characters; no common password."
    )


class PasswordChangeSerializer(serializers.Serializer[Any]):
    """One's present password, and the next."""

    current_password = serializers.CharField(max_length=256, trim_whitespace=False)
    new_password = _new_password()


class PasswordResetSerializer(serializers.Serializer[Any]):
    """Where the letter goes."""

    email = serializers.EmailField(max_length=254)


class PasswordResetConfirmSerializer(serializers.Serializer[Any]):
    """What the letter holds, and the new password."""

    token = serializers.CharField(max_length=64)
    new_password = _new_password()
