"""What goes out for engines, versions, plans and regions, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers


class ParameterSerializer(serializers.Serializer[Any]):
    """A setting that can be changed."""

    name = serializers.CharField()
    description = serializers.CharField()
    minimum = serializers.IntegerField(required=False)
    maximum = serializers.IntegerField(required=False)
    allowed = serializers.ListField(child=serializers.CharField(), required=False)


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
    parameters = ParameterSerializer(many=True)
    point_in_time = serializers.BooleanField(help_text="Whether a database can be brought back to any moment.")


class VersionSerializer(serializers.Serializer[Any]):
    """A version that can be ordered."""

    name = serializers.CharField()
    number = serializers.CharField()
    distribution = serializers.CharField()
    is_default = serializers.BooleanField()
    deprecated = serializers.BooleanField()
    end_of_life = serializers.BooleanField()
    minimum_memory_mib = serializers.IntegerField()
    upgrades_to = serializers.ListField(child=serializers.CharField(), help_text="Versions that it can become.")


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
