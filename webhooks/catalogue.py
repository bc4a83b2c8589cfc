"""What can be told: the types of events, and the filters that choose among them. Pure."""

from collections.abc import Iterable

EVENTS = {
    "operation.accepted": "An operation was accepted.",
    "operation.succeeded": "An operation ended well.",
    "operation.failed": "An operation ended without success; what it did was undone where that was possible.",
    "operation.cancelled": "An operation was undone on request.",
    "operation.stuck": "An operation stopped, and an operator of the service must decide.",
    "database.ready": "A database can be used: it was made, or is back from a pause.",
    "database.paused": "A database was halted on purpose.",
    "database.failed": "A database could not be made.",
    "database.deleted": "A database is gone.",
    "database.drifted": "A database was changed in the cluster, not by an operation.",
    "database.expires_soon": "A database will delete itself within a day.",
    "database.expiry_refused": "A database should have deleted itself, but is protected from deletion.",
    "backup.succeeded": "A backup is whole.",
    "backup.failed": "A backup could not be taken.",
    "backup.missed": "A backup that the policy has was not taken.",
    "webhook.disabled": "Another webhook of the tenant was switched off, because it could not be reached.",
}
"""Every type that a filter can choose, with what it means."""

TEST = "webhook.test"
"""Sent on request only, whatever the filters."""

ALL = "*"


def filters() -> list[str]:
    """Return every filter there is: all, each area, each type."""
    return [ALL, *sorted({f"{kind.partition('.')[0]}.*" for kind in EVENTS}), *EVENTS]


def matches(chosen: Iterable[str], kind: str) -> bool:
    """Tell whether one of the chosen filters lets an event of this type through."""
    area = f"{kind.partition('.')[0]}.*"
    return any(one in (ALL, area, kind) for one in chosen)
