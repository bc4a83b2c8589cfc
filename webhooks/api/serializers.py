"""What requests and answers about webhooks hold."""

from typing import Any

from rest_framework import serializers

from webhooks.catalogue import filters
from webhooks.models import DeliveryState
from webhooks.transport import Outcome

_MAX_FILTERS = 30


class _FiltersField(serializers.ListField):
    """Which events are wanted."""

    def __init__(self, **kwargs: Any) -> None:
        child = serializers.ChoiceField(choices=filters())
        super().__init__(child=child, min_length=1, max_length=_MAX_FILTERS, **kwargs)


class WebhookCreateSerializer(serializers.Serializer[Any]):
    """A new webhook."""

    url = serializers.CharField(max_length=1000, help_text="https only; port 443, or one from 1024 on.")
    description = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    events = _FiltersField(help_text="Types such as `operation.failed`, areas such as `backup.*`, or `*` for all.")
    enabled = serializers.BooleanField(required=False, default=True)


class WebhookChangeSerializer(serializers.Serializer[Any]):
    """What may change about a webhook; what is left out stays."""

    url = serializers.CharField(max_length=1000, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    events = _FiltersField(required=False)
    enabled = serializers.BooleanField(
        required=False,
        help_text="Switching it off gives up what still waits to be sent; what happens meanwhile is not sent.",
    )


class WebhookSerializer(serializers.Serializer[Any]):
    """A webhook."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    enabled = serializers.BooleanField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_because = serializers.CharField(help_text="Empty while it is enabled.")
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when every try has failed; after a day of that it is switched off."
    )
    old_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then messages are signed with the secret before this one as well."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    etag = serializers.CharField(help_text="For `If-Match`.")


class WebhookWithSecretSerializer(WebhookSerializer):
    """A webhook, this once with the secret that its messages are signed with."""

    secret = serializers.CharField(help_text="Keep it: it is not shown again.")


class DeliveryQuerySerializer(serializers.Serializer[Any]):
    """Which deliveries."""

    state = serializers.ChoiceField(choices=DeliveryState.values, required=False, help_text="Only these.")
    event = serializers.UUIDField(required=False, help_text="Only the delivery of this event.")


class DeliverySerializer(serializers.Serializer[Any]):
    """One event for one webhook."""

    id = serializers.UUIDField()
    event = serializers.UUIDField(help_text="Sent as `webhook-id`, the same in every try.")
    type = serializers.CharField(help_text="Such as `operation.succeeded`.")
    state = serializers.ChoiceField(choices=DeliveryState.values)
    tries = serializers.IntegerField(help_text="Since it was asked for; a redelivery counts anew.")
    last_status = serializers.IntegerField(allow_null=True, help_text="What was answered last; null without an answer.")
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class AttemptSerializer(serializers.Serializer[Any]):
    """One try."""

    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=[str(outcome) for outcome in Outcome])
    status = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField(
        help_text="The beginning of the answer, without what looks like a secret, or why there is none."
    )


class DeliveryWithAttemptsSerializer(DeliverySerializer):
    """One event for one webhook, with what was sent and every try."""

    payload = serializers.DictField(help_text="The body that is signed and sent.")
    attempts = AttemptSerializer(many=True)
