"""What this application adds to /health/ready. None is required: without them requests are still accepted, only carried out later."""

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.health.checks import register
from provisioning.dispatch import require_broker
from provisioning.heartbeats import DISPATCHER, DISPATCHER_STALE_AFTER, WATCHER_STALE_AFTER, age_of, watcher_of
from provisioning.models import Cluster


class DispatcherSilent(Exception):
    """No dispatcher has worked lately: it takes beat, the broker and a worker."""


class ClusterNotWatched(Exception):
    """A cluster's watcher has not been heard of lately: it is not running, or the cluster does not answer it."""


def require_dispatcher() -> None:
    """Check that somebody looks for due operations, which takes beat, the broker and a worker.

    Raises: DispatcherSilent.
    """
    age = age_of(DISPATCHER, now=SYSTEM_CLOCK.now())
    if age is None or age > DISPATCHER_STALE_AFTER:
        raise DispatcherSilent(f"{DispatcherSilent.__doc__} Last seen: {age or 'never'}.")


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
    register("clusters", require_watched_clusters, required=False)
