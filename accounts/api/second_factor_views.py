"""Routes under /api/v1/auth/second-factor, for operators."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import second_factor
from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.login_limits import TooManyAttempts
from accounts.permissions import Permission
from dbaas.api.openapi import raises
from dbaas.api.views import validated

_TAGS = ["auth"]
_SECRET = {"Cache-Control": "no-store"}
_CODE = OpenApiExample("code", value={"code": "492039"}, request_only=True)


class CodeSerializer(serializers.Serializer[Any]):
    """A code."""

    code = serializers.CharField(max_length=40, help_text="Of the authenticator; to remove it also a recovery code.")


class EnrolmentSerializer(serializers.Serializer[Any]):
    """What an authenticator needs, this once."""

    secret = serializers.CharField(help_text="To type in.")
    uri = serializers.CharField(help_text="To show as a QR code.")


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    """Codes for when the device is lost, this once; each is good for one use."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class StandingSerializer(serializers.Serializer[Any]):
    """Whether you have a second factor."""

    is_enrolled = serializers.BooleanField()
    recovery_codes_left = serializers.IntegerField()


class SecondFactorView(ActorView):
    """GET and POST auth/second-factor."""

    @extend_schema(
        operation_id="read_second_factor",
        summary="Your second factor",
        tags=_TAGS,
        responses={200: StandingSerializer},
        examples=[
            OpenApiExample("enrolled", value={"is_enrolled": True, "recovery_codes_left": 9}, response_only=True)
        ],
    )
    @needs(Permission.ACCOUNT_MANAGE)
    @raises()
    def get(self, _request: Request) -> Response:
        """Tell whether you have a second factor, and how many recovery codes are left."""
        return Response(asdict(second_factor.standing_of(self.actor)))

    @extend_schema(
        operation_id="begin_second_factor",
        summary="Begin to use a second factor",
        tags=_TAGS,
        request=None,
        responses={201: EnrolmentSerializer},
        examples=[
            OpenApiExample(
                "secret",
                value={"secret": "JBSWY3DPEHPK3PXP", "uri": "otpauth://totp/DBaaS:ops%40example.com?secret=JBSW..."},
                response_only=True,
            )
        ],
    )
    @needs(Permission.ACCOUNT_MANAGE)
    @raises(second_factor.NotAnOperator, second_factor.SecondFactorExists)
    def post(self, _request: Request) -> Response:
        """Make a secret for your authenticator. It counts once you confirm it with a code. For operators, who may use the admin."""
        enrolment = second_factor.begin(self.actor)
        return Response(asdict(enrolment), status=status.HTTP_201_CREATED, headers=_SECRET)


class SecondFactorConfirmView(ActorView):
    """POST auth/second-factor/confirm."""

    @extend_schema(
        operation_id="confirm_second_factor",
        summary="Confirm your second factor",
        tags=_TAGS,
        request=CodeSerializer,
        responses={200: RecoveryCodesSerializer},
        examples=[
            _CODE,
            OpenApiExample("codes", value={"recovery_codes": ["3f9c1-0b7de-52a68-e41d7"]}, response_only=True),
        ],
    )
    @needs(Permission.ACCOUNT_MANAGE)
    @raises(second_factor.NoSecondFactor, second_factor.SecondFactorExists, TooManyAttempts)
    def post(self, request: Request) -> Response:
        """Show that your authenticator works. From now on the admin's log-in asks for a code; keep the recovery codes elsewhere."""
        codes = second_factor.confirm(self.actor, **validated(CodeSerializer, request))
        return Response({"recovery_codes": codes}, headers=_SECRET)


class SecondFactorRemoveView(ActorView):
    """POST auth/second-factor/remove."""

    @extend_schema(
        operation_id="remove_second_factor",
        summary="Remove your second factor",
        tags=_TAGS,
        request=CodeSerializer,
        responses={204: None},
        examples=[_CODE],
    )
    @needs(Permission.ACCOUNT_MANAGE)
    @raises(second_factor.NoSecondFactor, TooManyAttempts)
    def post(self, request: Request) -> Response:
        """Stop using your second factor, for a code of it or a recovery code. If both are lost, another operator can remove it."""
        second_factor.remove(self.actor, **validated(CodeSerializer, request))
        return Response(status=status.HTTP_204_NO_CONTENT)
