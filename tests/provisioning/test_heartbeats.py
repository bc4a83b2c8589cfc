"""That a part of the system counts as alive for as long as its last work is not too old."""

from datetime import timedelta

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.heartbeats import WATCHER_STALE_AFTER, age_of, is_watched, watcher_of
from provisioning.models import Cluster, Heartbeat

NOW = SYSTEM_CLOCK.now()


def test_that_what_never_beat_has_no_age(nowhere: Cluster) -> None:
    assert age_of(watcher_of(nowhere), now=NOW) is None
    assert not is_watched(nowhere, now=NOW)


def test_that_a_beat_counts_until_it_is_stale(nowhere: Cluster) -> None:
    Heartbeat.beat(watcher_of(nowhere), now=NOW)

    assert is_watched(nowhere, now=NOW + WATCHER_STALE_AFTER - timedelta(seconds=1))
    assert not is_watched(nowhere, now=NOW + WATCHER_STALE_AFTER)


def test_that_the_last_beat_counts(nowhere: Cluster) -> None:
    Heartbeat.beat(watcher_of(nowhere), now=NOW)
    Heartbeat.beat(watcher_of(nowhere), now=NOW + timedelta(seconds=30))

    assert age_of(watcher_of(nowhere), now=NOW + timedelta(seconds=40)) == timedelta(seconds=10)
