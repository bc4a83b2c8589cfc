"""Bodies that come in, and for the OpenAPI document those that go out (which `provisioning.api.shapes` writes).

Types and sizes are checked here; what fits together is checked by `provisioning.orders`.
"""

from typing import Any

from rest_framework import serializers


class AccessSerializer(serializers.Serializer[Any]):
    """From where the database can be reached."""

    mode = serializers.CharField(
        max_length=20, required=False, help_text="`internal` or `external`; by default as the region has it."
    )
    allowed_cidrs = serializers.ListField(
        child=serializers.CharField(max_length=43),
        required=False,
        default=list,
        max_length=32,
        help_text="Networks that may connect; empty means all. Needs a load balancer that filters.",
    )


class OriginSerializer(serializers.Serializer[Any]):
    """Where a new database's content comes from: `backup`, or `database` with `point_in_time`."""

    backup = serializers.UUIDField(required=False)
    database = serializers.UUIDField(required=False, help_text="Its backup policy must have `point_in_time`.")
    point_in_time = serializers.DateTimeField(required=False)


class WindowSerializer(serializers.Serializer[Any]):
    """When its owner likes work on the database best; UTC."""

    weekday = serializers.CharField(max_length=9)
    starts_at = serializers.CharField(max_length=5, help_text="Such as `03:30`.")
    hours = serializers.IntegerField()


class DeletionSerializer(serializers.Serializer[Any]):
    """What becomes of the backups."""

    backups = serializers.ChoiceField(
        choices=("keep", "delete"), default="keep", help_text="Whether the backups stay, to restore from."
    )
    final_backup = serializers.BooleanField(default=False, help_text="Take a last backup first; it is kept.")


class DatabaseCreateSerializer(serializers.Serializer[Any]):
    """An order for a database: tenant, name and engine are enough."""

    tenant = serializers.UUIDField()
    name = serializers.CharField(
        max_length=63, help_text="Unique among the tenant's databases; a DNS label of at most 40 characters."
    )
    engine = serializers.CharField(
        max_length=40, required=False, help_text="See `GET engines`; needed unless the content comes from somewhere."
    )
    version = serializers.CharField(max_length=63, required=False, help_text="See `GET engines/{name}/versions`.")
    plan = serializers.CharField(max_length=40, required=False, help_text="See `GET plans`; by default `small`.")
    topology = serializers.DictField(
        required=False, help_text="`mode` and what the mode offers, see `GET engines`; by default `standalone`."
    )
    storage_gib = serializers.IntegerField(required=False, help_text="Per node; by default the plan's.")
    region = serializers.CharField(max_length=63, required=False, help_text="See `GET regions`; by default the first.")
    labels = serializers.DictField(
        child=serializers.CharField(max_length=63, allow_blank=True), required=False, default=dict
    )
    deletion_protection = serializers.BooleanField(required=False, default=False)
    access = AccessSerializer(required=False)
    display_name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    expires_at = serializers.DateTimeField(required=False, help_text="When it deletes itself; backups are kept.")
    restore_from = OriginSerializer(
        required=False, help_text="Fill it from a backup; what is left out is the source's."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for an engine where the content does not say it."""
        if "engine" not in attrs and "restore_from" not in attrs:
            raise serializers.ValidationError({"engine": "This field is required."}, code="required")
        return attrs


class DatabaseChangeSerializer(serializers.Serializer[Any]):
    """What can be changed at once, and `parameters`, which take an operation."""

    display_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    labels = serializers.DictField(child=serializers.CharField(max_length=63, allow_blank=True), required=False)
    deletion_protection = serializers.BooleanField(required=False)
    deletion_policy = serializers.ChoiceField(
        choices=("wipe", "keep_volumes"),
        required=False,
        help_text="What a deletion leaves in the cluster: nothing, or volumes and password for an operator to rescue.",
    )
    maintenance_window = WindowSerializer(required=False, allow_null=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    parameters = serializers.DictField(
        required=False, help_text="Settings by name, null for the default; see `GET engines`."
    )


class DatabaseFilterSerializer(serializers.Serializer[Any]):
    """Which databases to list."""

    tenant = serializers.UUIDField(required=False)
    engine = serializers.CharField(max_length=40, required=False)
    name = serializers.CharField(max_length=63, required=False)


class OperationFilterSerializer(serializers.Serializer[Any]):
    """Which operations to list."""

    tenant = serializers.UUIDField(required=False)
    database = serializers.UUIDField(required=False)
    kind = serializers.CharField(max_length=40, required=False)
    state = serializers.CharField(max_length=20, required=False)


class EndpointSerializer(serializers.Serializer[Any]):
    """Where to connect."""

    host = serializers.CharField()
    port = serializers.IntegerField()


class DatabaseSerializer(serializers.Serializer[Any]):
    """A database."""

    id = serializers.UUIDField()
    tenant = serializers.UUIDField()
    name = serializers.CharField()
    engine = serializers.CharField()
    version = serializers.CharField()
    running_version = serializers.CharField(
        allow_null=True, help_text="What really runs where the pocket cluster runs something else."
    )
    plan = serializers.CharField()
    cpu_millicores = serializers.IntegerField(help_text="Per node.")
    memory_mib = serializers.IntegerField(help_text="Per node.")
    storage_gib = serializers.IntegerField(help_text="Per node.")
    topology = serializers.DictField()
    region = serializers.CharField()
    access = AccessSerializer()
    status = serializers.CharField(
        help_text="What is being done, or `ready`, `degraded`, `unavailable`, `paused`, `failed`, `deleted`."
    )
    phase = serializers.CharField(allow_null=True, help_text="KubeDB's own word, as last observed.")
    endpoint = EndpointSerializer(allow_null=True)
    simulated = serializers.BooleanField(
        allow_null=True, help_text="True where no real server stands behind it (pocket cluster)."
    )
    display_name = serializers.CharField()
    deletion_protection = serializers.BooleanField()
    deletion_policy = serializers.CharField()
    maintenance_window = WindowSerializer(allow_null=True)
    parameters = serializers.DictField(child=serializers.CharField(), help_text="Settings that are not the default.")
    expires_at = serializers.DateTimeField(allow_null=True)
    labels = serializers.DictField(child=serializers.CharField())
    active_operation = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    etag = serializers.CharField()


class DatabaseInOperationSerializer(serializers.Serializer[Any]):
    """The database that an operation works on."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    engine = serializers.CharField()
    status = serializers.CharField()


class OperationErrorSerializer(serializers.Serializer[Any]):
    """Why an operation failed, was turned back, or is stuck."""

    code = serializers.CharField()
    detail = serializers.CharField()


class OperationSerializer(serializers.Serializer[Any]):
    """An operation."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.CharField(
        help_text="`queued`, `running`, `waiting`, `undoing`; ends as `succeeded`, `failed`, `cancelled`; `stuck` needs a person."
    )
    progress = serializers.IntegerField(help_text="0 to 100.")
    step = serializers.CharField(allow_null=True)
    waiting_for = serializers.CharField(allow_null=True)
    error = OperationErrorSerializer(allow_null=True)
    database = DatabaseInOperationSerializer()
    attempt = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField()
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class TimelineEntrySerializer(serializers.Serializer[Any]):
    """One line of a timeline."""

    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    step = serializers.CharField(allow_null=True)
    event = serializers.CharField()
    message = serializers.CharField()
    attempt = serializers.IntegerField()
    duration_ms = serializers.IntegerField(allow_null=True)


class OperationWithTimelineSerializer(OperationSerializer):
    """An operation and everything that happened in it so far."""

    timeline = TimelineEntrySerializer(many=True)


class CredentialsSerializer(serializers.Serializer[Any]):
    """Everything that a client needs to connect."""

    username = serializers.CharField()
    password = serializers.CharField()
    host = serializers.CharField()
    port = serializers.IntegerField()
    database = serializers.CharField()
    uri = serializers.CharField()
    ca = serializers.CharField(allow_null=True, help_text="PEM, where the server speaks TLS.")
