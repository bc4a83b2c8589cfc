"""What happened to a database, told by four sources in one list, newest first.

The cluster's events, the object's conditions, our operations' timelines, and what the product noticed between them.

The cluster forgets its events after an hour; our timelines stay. Where the cluster does not answer, ours are told alone, and it is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from dbaas.core.errors import Permanent, Transient
from dbaas.core.redaction import redact
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import EVENT, Ref, kind_of
from provisioning.cluster.registry import gateway_to
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Database, DatabaseEvent, OperationEvent
from provisioning.selectors import database_of

MAX_MESSAGE_CHARS = 500
_MOST_NOTICED = 200
_TELLS_OF_TROUBLE = frozenset({"retried", "turned_back", "failed", "stuck", "too_late"})
"""Lines of a timeline that a customer should not overlook."""
_FINE_WHEN_FALSE = frozenset({"Paused", "Halted"})
"""Conditions of KubeDB's that are no trouble when they are false. Source: kubedb/apimachinery apis/kubedb/constants.go."""


class Source(StrEnum):
    """Who tells."""

    KUBERNETES = "kubernetes"
    CONDITION = "condition"
    OPERATION = "operation"
    PRODUCT = "product"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened; `count` times by `at`, for those that Kubernetes counts."""

    id: str
    """Stays the same; empty for conditions, which are no events. Webhooks tell of ours under the same id."""
    at: datetime
    source: Source
    is_warning: bool
    reason: str
    message: str
    count: int = 1
    operation_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class History:
    """Events, newest first; `next_before` asks for the page after this one. `missing_because` says why the cluster's are not in it."""

    events: Sequence[Event]
    next_before: datetime | None
    missing_because: str


def read_history(actor: Actor, database_id: UUID, *, limit: int, before: datetime | None) -> History:
    """Return at most `limit` events from before that moment (None: now); more only where one moment has more.

    Raises: DatabaseNotFound.
    """
    database = database_of(actor, database_id)
    found = [*_of_operations(database, limit=limit, before=before), *_of_product(database, limit)]
    missing_because = ""
    try:
        found += _of_cluster(gateway_to(database.cluster), database) if database.is_live else ()
    except (Transient, Permanent) as error:
        missing_because = error.detail
    earlier = [event for event in found if before is None or event.at < before]
    earlier.sort(key=lambda event: event.at, reverse=True)
    events, next_before = _page(earlier, limit)
    return History(events=events, next_before=next_before, missing_because=missing_because)


def _page(events: list[Event], limit: int) -> tuple[list[Event], datetime | None]:
    """Cut between two moments, never within one: the next page begins before the last moment of this one."""
    if len(events) <= limit:
        return events, None
    cut = events[limit].at
    page = [event for event in events[:limit] if event.at > cut] or [event for event in events if event.at == cut]
    return page, page[-1].at if len(page) < len(events) else None


def _of_operations(database: Database, *, limit: int, before: datetime | None) -> Iterator[Event]:
    """Yield the newest lines, more than a page of them, and all of the last moment so that a page never cuts within it."""
    lines = OperationEvent.objects.filter(operation__database_id=database.id)
    if before is not None:
        lines = lines.filter(at__lt=before)
    found = list(lines.order_by("-at", "-pk")[: limit + 1])
    if len(found) > limit:
        last = found[-1].at
        found = [line for line in found if line.at > last] + list(lines.filter(at=last).order_by("-pk"))
    for line in found:
        yield Event(
            id=str(line.pk),
            at=line.at,
            source=Source.OPERATION,
            is_warning=line.event in _TELLS_OF_TROUBLE,
            reason=line.event,
            message=_shown(line.message),
            operation_id=line.operation_id,
        )


def _of_product(database: Database, limit: int) -> list[Event]:
    """Return what was noticed outside operations: few, so that the latest page of them is enough for every page."""
    noticed = DatabaseEvent.objects.filter(database=database).order_by("-at")[: max(limit, _MOST_NOTICED)]
    return [
        Event(
            id=str(one.pk),
            at=one.at,
            source=Source.PRODUCT,
            is_warning=one.is_warning,
            reason=one.reason,
            message=_shown(one.message),
        )
        for one in noticed
    ]


def _of_cluster(gateway: Gateway, database: Database) -> list[Event]:
    kind = kind_of("kubedb.com/v1", all_engines()[database.engine].kind)
    body = gateway.get(Ref(kind=kind, name=database.object_name, namespace=database.namespace))
    listed, _ = gateway.list(EVENT, namespace=database.namespace)
    ours = (event for event in listed if _is_about(event, database.object_name))
    return [*filter(None, map(_from_kubernetes, ours)), *_from_conditions(body or {})]


def _is_about(event: Body, object_name: str) -> bool:
    """Names of objects are ours and of one length, so that no other database's can begin with this one's and a hyphen."""
    name = str((event.get("involvedObject") or {}).get("name", ""))
    return name == object_name or name.startswith(f"{object_name}-")


def _from_kubernetes(event: Body) -> Event | None:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    at = _moment(next((time for time in times if time), event["metadata"].get("creationTimestamp")))
    if at is None:
        return None
    return Event(
        id=str(event["metadata"].get("uid", "")),
        at=at,
        source=Source.KUBERNETES,
        is_warning=event.get("type") == "Warning",
        reason=_shown(event.get("reason")),
        message=_shown(event.get("message")),
        count=int(series.get("count") or event.get("count") or 1),
    )


def _from_conditions(body: Body) -> Iterator[Event]:
    for condition in (body.get("status") or {}).get("conditions") or ():
        at = _moment(condition.get("lastTransitionTime"))
        if at is not None:
            yield _from_condition(condition, at)


def _from_condition(condition: Mapping[str, Any], at: datetime) -> Event:
    name, status = str(condition.get("type", "")), str(condition.get("status", ""))
    return Event(
        id="",
        at=at,
        source=Source.CONDITION,
        is_warning=status == "False" and name not in _FINE_WHEN_FALSE,
        reason=_shown(condition.get("reason") or name),
        message=_shown(condition.get("message") or f"{name} is {status}."),
    )


def _moment(text: object) -> datetime | None:
    """Read a time as Kubernetes writes it; an object with an unreadable one is left out rather than shown at a wrong place."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _shown(text: object) -> str:
    clean = redact(str(text or ""))
    return clean if len(clean) <= MAX_MESSAGE_CHARS else clean[: MAX_MESSAGE_CHARS - 1] + "…"
