"""The audit log's filters, and for the OpenAPI document its entries."""

from typing import Any

from rest_framework import serializers

AuditLogQuerySerializer: type[serializers.Serializer[Any]] = type(
    "AuditLogQuerySerializer",
    (serializers.Serializer,),
    {
        "__doc__": "Which events. A class statement could not name a field `from`.",
        "actor": serializers.CharField(
            required=False, max_length=254, help_text="Who: an e-mail address, or the id of a person or an API key."
        ),
        "action": serializers.CharField(
            required=False, max_length=64, help_text="Such as `member.added`; `member` means all of `member.*`."
        ),
        "object_type": serializers.CharField(required=False, max_length=32, help_text="Such as `database`."),
        "object_id": serializers.CharField(required=False, max_length=64, help_text="What it was done to."),
        "outcome": serializers.ChoiceField(required=False, choices=["allowed", "refused", "failed"]),
        "from": serializers.DateTimeField(required=False, help_text="Not before this moment."),
        "to": serializers.DateTimeField(required=False, help_text="Not after this moment."),
    },
)


class AuditActorSerializer(serializers.Serializer[Any]):
    """Who did it."""

    id = serializers.UUIDField(allow_null=True)
    email = serializers.CharField()
    via = serializers.CharField(help_text="`session`, `api_key` or `system`.")
    credential_id = serializers.UUIDField(allow_null=True, help_text="Which API key it was.")


class AuditObjectSerializer(serializers.Serializer[Any]):
    """What it was done to."""

    type = serializers.CharField()
    id = serializers.CharField()


class AuditSealSerializer(serializers.Serializer[Any]):
    """The event's place in the tenant's chain: see docs/audit.md for how to check it."""

    position = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 over the digest before it, chain, position and content.")


class AuditEventSerializer(serializers.Serializer[Any]):
    """Something that was done, or refused."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    actor = AuditActorSerializer()
    action = serializers.CharField(help_text="Such as `database.credentials.read`.")
    object = AuditObjectSerializer()
    outcome = serializers.CharField(help_text="`allowed`, `refused` or `failed`.")
    address = serializers.CharField()
    request_id = serializers.CharField()
    detail = serializers.DictField()
    seal = AuditSealSerializer(allow_null=True, help_text="Null in the first seconds.")
