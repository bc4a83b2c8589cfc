"""What this application adds to /health/ready. None is required: without them requests are still accepted, only carried out later."""

from datetime import timedelta

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.health.checks import register
from provisioning.dispatch import require_broker
from provisioning.dispatching import oldest_due_age
from provisioning.heartbeats import DISPATCHER, DISPATCHER_STALE_AFTER, WATCHER_STALE_AFTER, age_of, watcher_of
from provisioning.models import Cluster

WORKERS_BEHIND_AFTER = timedelta(seconds=60)
"""A due operation waits a second for the dispatcher; a minute is what the lease of a dead worker may cost."""


class DispatcherSilent(Exception):
    """No dispatcher has worked lately: it takes beat, the broker and a worker."""


class WorkersBehind(Exception):
    """Operations that are due wait for a worker for too long: more workers are needed, or none runs."""


class ClusterNotWatched(Exception):
    """A cluster's watcher has not been heard of lately: it is not running, or the cluster does not answer it."""


def require_dispatcher() -> None:
    """Check that somebody looks for due operations, which takes beat, the broker and a worker.

    Raises: DispatcherSilent.
    """
    age = age_of(DISPATCHER, now=SYSTEM_CLOCK.now())
    if age is None or age > DISPATCHER_STALE_AFTER:
        raise DispatcherSilent(f"{DispatcherSilent.__doc__} Last seen: {age or 'never'}.")


def require_prompt_workers() -> None:
    """Check that what is due is taken up: the one sign that shows that nothing runs, whatever the reason.

    Raises: WorkersBehind.
    """
    age = oldest_due_age(now=SYSTEM_CLOCK.now())
    if age > WORKERS_BEHIND_AFTER:
        raise WorkersBehind(f"{WorkersBehind.__doc__} The oldest has waited for {age.total_seconds():.0f} s.")


def require_watched_clusters() -> None:
    """Check that every cluster is watched: its watcher beats only while the cluster answers.

    Raises: ClusterNotWatched — names the clusters.
    """
    now = SYSTEM_CLOCK.now()
    ages = {cluster.name: age_of(watcher_of(cluster), now=now) for cluster in Cluster.objects.all()}
    silent = [name for name, age in ages.items() if age is None or age > WATCHER_STALE_AFTER]
    if silent:
        raise ClusterNotWatched(f"{ClusterNotWatched.__doc__} Silent: {', '.join(silent)}.")


def register_checks() -> None:
    """Add the checks; called once, when the application is ready."""
    register("broker", require_broker, required=False)
    register("dispatcher", require_dispatcher, required=False)
    register("workers", require_prompt_workers, required=False)
    register("clusters", require_watched_clusters, required=False)
