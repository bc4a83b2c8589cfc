"""Who is alive: the dispatcher and the watchers write down when they last worked."""

from datetime import datetime, timedelta

from provisioning.models import Cluster, Heartbeat

WATCHER_STALE_AFTER = timedelta(seconds=90)
"""The watcher beats every 20 s; three beats may be lost before the slow poll becomes a quick one."""

DISPATCHER_STALE_AFTER = timedelta(seconds=30)
"""The dispatcher beats every second where there is something to do, and every 5 s otherwise."""

DISPATCHER = "dispatcher"

WORKER = "worker"
"""Beats whenever any worker of the queue `ops` completes the task that beat sends it every ten seconds."""


def watcher_of(cluster: Cluster) -> str:
    """Return the name under which this cluster's watcher beats."""
    return f"watcher:{cluster.name}"


def age_of(name: str, *, now: datetime) -> timedelta | None:
    """Return how long ago this part last worked; None if it never did."""
    last = Heartbeat.objects.filter(pk=name).values_list("beat_at", flat=True).first()
    return None if last is None else now - last


def is_watched(cluster: Cluster, *, now: datetime) -> bool:
    """Tell whether a watcher of this cluster is alive."""
    age = age_of(watcher_of(cluster), now=now)
    return age is not None and age < WATCHER_STALE_AFTER
