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


class DatabaseCreateSerializer(serializers.Serializer[Any]):
    """An order for a database: tenant, name and engine are enough."""

    tenant = serializers.UUIDField()
    name = serializers.CharField(
        max_length=63, help_text="Unique among the tenant's databases; a DNS label of at most 40 characters."
    )
    engine = serializers.CharField(max_length=40, help_text="See `GET engines`.")
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


class DatabaseChangeSerializer(serializers.Serializer[Any]):
    """What can be changed at once, without an operation."""

    labels = serializers.DictField(child=serializers.CharField(max_length=63, allow_blank=True), required=False)
    deletion_protection = serializers.BooleanField(required=False)


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
    deletion_protection = serializers.BooleanField()
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


class TopologyFieldSerializer(serializers.Serializer[Any]):
    """One thing to choose in a topology."""

    name = serializers.CharField()
    description = serializers.CharField()
    default = serializers.JSONField()
    minimum = serializers.IntegerField(required=False)
    maximum = serializers.IntegerField(required=False)
    allowed = serializers.ListField(child=serializers.CharField(), required=False)


class ModeSerializer(serializers.Serializer[Any]):
    """A way to lay a database out."""

    name = serializers.CharField()
    description = serializers.CharField()
    fields = TopologyFieldSerializer(many=True)  # type: ignore[assignment] # the document's name for it


class EngineSerializer(serializers.Serializer[Any]):
    """An engine that can be ordered."""

    name = serializers.CharField()
    title = serializers.CharField()
    default_version = serializers.CharField()
    port = serializers.IntegerField()
    topologies = ModeSerializer(many=True)


class VersionSerializer(serializers.Serializer[Any]):
    """A version that can be ordered."""

    name = serializers.CharField()
    number = serializers.CharField()
    distribution = serializers.CharField()
    is_default = serializers.BooleanField()
    deprecated = serializers.BooleanField()
    end_of_life = serializers.BooleanField()
    minimum_memory_mib = serializers.IntegerField()


class PlanSerializer(serializers.Serializer[Any]):
    """A size, per node."""

    name = serializers.CharField()
    title = serializers.CharField()
    cpu_millicores = serializers.IntegerField()
    memory_mib = serializers.IntegerField()
    storage_gib = serializers.IntegerField()
    is_default = serializers.BooleanField()


class RegionSerializer(serializers.Serializer[Any]):
    """A place for databases."""

    name = serializers.CharField()
    accepts_databases = serializers.BooleanField()
    is_default = serializers.BooleanField()


class EnginesSerializer(serializers.Serializer[Any]):
    """All engines."""

    items = EngineSerializer(many=True)


class VersionsSerializer(serializers.Serializer[Any]):
    """All versions of an engine, the newest first."""

    items = VersionSerializer(many=True)


class PlansSerializer(serializers.Serializer[Any]):
    """All plans, the smallest first."""

    items = PlanSerializer(many=True)


class RegionsSerializer(serializers.Serializer[Any]):
    """All regions."""

    items = RegionSerializer(many=True)
