"""What comes in and goes out where somebody looks into a database: queries are checked here, answers described for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from provisioning.services.history import Source
from provisioning.services.logs import MAX_LINES
from provisioning.services.measurements import Origin

MAX_EVENTS = 200


class EventQuerySerializer(serializers.Serializer[Any]):
    """Which events."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_EVENTS, default=50, help_text=f"How many at most: 1 to {MAX_EVENTS}, by default 50."
    )
    before = serializers.DateTimeField(
        required=False, help_text="Only what happened before this; `next_before` of the page before."
    )


class LogQuerySerializer(serializers.Serializer[Any]):
    """Which lines of which log."""

    lines = serializers.IntegerField(
        min_value=1, max_value=MAX_LINES, default=100, help_text=f"The last lines: 1 to {MAX_LINES}, by default 100."
    )
    pod = serializers.CharField(
        max_length=253, required=False, default="", help_text="A pod of the database; by default its primary."
    )


MetricQuerySerializer: type[serializers.Serializer[Any]] = type(
    "MetricQuerySerializer",
    (serializers.Serializer,),
    {
        "__doc__": "Which stretch of time. A class statement could not name a field `from`.",
        "from": serializers.DateTimeField(required=False, help_text="By default one hour before `to`."),
        "to": serializers.DateTimeField(required=False, help_text="By default now."),
        "step": serializers.IntegerField(
            required=False,
            min_value=1,
            max_value=2_678_400,
            help_text="Seconds between two points; by default as many as give about 120 points, at most 1,000 points.",
        ),
    },
)


class PodCurveSerializer(serializers.Serializer[Any]):
    """The part of one pod."""

    pod = serializers.CharField()
    points = serializers.ListField(child=serializers.ListField(), help_text="As in the metric.")


class MetricSerializer(serializers.Serializer[Any]):
    """One metric."""

    name = serializers.CharField(help_text="With its unit; stable.")
    unit = serializers.CharField()
    description = serializers.CharField()
    points = serializers.ListField(
        child=serializers.ListField(), help_text="`[time, value]`, oldest first; empty where it was not measured."
    )
    pods = PodCurveSerializer(many=True, help_text="For CPU, memory and storage.")


class _MeasuredSerializer(serializers.Serializer[Any]):
    """All but the window."""

    source = serializers.ChoiceField(  # type: ignore[assignment] # the answer's name for it; serializers use `source` only to read
        choices=[origin.value for origin in Origin], help_text="`cluster` has one point, the present moment."
    )
    step_seconds = serializers.IntegerField(help_text="Between two points; 0 where there is one only.")
    simulated = serializers.BooleanField(help_text="True where no server runs that could be measured.")
    note = serializers.CharField(allow_null=True, help_text="Why something is missing.")
    metrics = MetricSerializer(many=True)


MetricsSerializer: type[serializers.Serializer[Any]] = type(
    "MetricsSerializer",
    (_MeasuredSerializer,),
    {
        "__doc__": "All metrics of a database, from one moment to another.",
        "from": serializers.DateTimeField(),
        "to": serializers.DateTimeField(),
    },
)


class DatabaseEventSerializer(serializers.Serializer[Any]):
    """One thing that happened."""

    id = serializers.CharField(
        help_text="What webhooks send as `webhook-id`, for events of the product and its operations; empty for conditions."
    )
    at = serializers.DateTimeField()
    source = serializers.ChoiceField(  # type: ignore[assignment] # the answer's name for it; serializers use `source` only to read
        choices=[source.value for source in Source], help_text="Who tells."
    )
    type = serializers.ChoiceField(choices=["Normal", "Warning"])
    reason = serializers.CharField(help_text="One word.")
    message = serializers.CharField()
    count = serializers.IntegerField(help_text="How often it happened, the last time at `at`.")
    operation = serializers.UUIDField(allow_null=True, help_text="The operation in whose timeline it stands.")


class DatabaseEventsSerializer(serializers.Serializer[Any]):
    """Events, newest first."""

    items = DatabaseEventSerializer(many=True)
    next_before = serializers.DateTimeField(allow_null=True, help_text="Send it as `before` for the next page.")
    partial = serializers.BooleanField(  # type: ignore[assignment] # the answer's name for it; serializers use `partial` only for writing
        help_text="True where the cluster did not answer and its events are missing."
    )
    partial_reason = serializers.CharField(allow_null=True, help_text="Why they are missing.")


class LogSerializer(serializers.Serializer[Any]):
    """The last lines of a log, oldest first."""

    pod = serializers.CharField()
    container = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField())
    truncated = serializers.BooleanField(help_text="True where the lines were longer than 256 KiB together.")
