"""Decides which slots of a session's schedule are due, and which were missed while nobody looked.

What is kept over a restart is `nextSchedule` in the status: the first slot that nobody has dealt with. Pure but for the
event about a missed slot.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from devcluster.operator.backup.cron import Cron
from devcluster.operator.backup.durations import read_time
from devcluster.operator.backup.kinds import CONFIGURATIONS
from devcluster.operator.backup.scene import Scene
from devcluster.operator.events import build
from devcluster.operator.kube import Body, ConflictError
from devcluster.operator.resources import EVENTS

DEADLINE_SECONDS = 600
MOST_MISSED = 10
ENSURED = "SchedulerEnsured"


@dataclass(frozen=True, kw_only=True)
class Slots:
    """What follows from a look at the clock."""

    due: datetime | None
    missed: list[datetime]
    upcoming: datetime | None


def noted(expression: str) -> str:
    """Write down for which schedule the next slot was worked out."""
    return f"The schedule is {expression}"


def look(known: Body, cron: Cron, deadline_seconds: int, *, now: datetime, idle: bool) -> Slots:
    """Give the slot to run, those that are too old to be caught up, and the next one; an idle schedule has none."""
    if idle:
        return Slots(due=None, missed=[], upcoming=None)
    upcoming = cron.after(now)
    written = any(
        one["type"] == ENSURED and one["message"] == noted(cron.text) for one in known.get("conditions") or []
    )
    if not known.get("nextSchedule") or not written:
        return Slots(due=None, missed=[], upcoming=upcoming)
    first = read_time(known["nextSchedule"])
    slots: list[datetime] = []
    slot = cron.at_or_before(now)
    while slot is not None and slot >= first and len(slots) <= MOST_MISSED:
        slots.append(slot)
        slot = cron.at_or_before(slot - timedelta(seconds=1))
    due = slots[0] if slots and slots[0] >= now - timedelta(seconds=deadline_seconds) else None
    missed = slots[1:] if due is not None else slots[:MOST_MISSED]
    return Slots(due=due, missed=missed, upcoming=upcoming)


async def report_missed(scene: Scene, configuration: Body, session: str, slot: datetime) -> None:
    """Tell once that no backup was made at a time."""
    message = f"Session {session} did not run at {slot:%Y-%m-%dT%H:%M:%SZ}: nobody was there to start it in time."
    about: Body = {"apiVersion": CONFIGURATIONS.api_version, "kind": CONFIGURATIONS.kind, **configuration}
    event = build(about, "Warning", "MissedSchedule", message)
    try:
        await scene.site.kube.create(EVENTS, event)
    except ConflictError:
        return  # told already
