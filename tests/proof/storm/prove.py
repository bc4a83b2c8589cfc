"""The layer of real processes, for the table of the whole proof: one storm, and the numbers."""

from tests.proof.storm.storm import Weather


def weather_for(operations: int, chaos_seconds: float) -> Weather:
    """Return a storm of so many operations."""
    is_long = operations > 500
    return Weather(
        operations=operations,
        at_once=min(operations, 200) if is_long else max(1, operations // 2),
        chaos_seconds=chaos_seconds,
        pause_seconds=(1.0, 4.0),
        broker_freeze_seconds=75.0 if is_long else 8.0,
        rest_seconds=600.0 if is_long else 240.0,
    )
