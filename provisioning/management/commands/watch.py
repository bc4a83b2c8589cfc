"""`manage.py watch`: the process that watches all registered clusters."""

import signal
import threading
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from dbaas.health.serving import serve_counters
from provisioning.cluster.registry import gateway_to
from provisioning.models import Cluster
from provisioning.watching import ClusterWatcher

LOOK_FOR_CLUSTERS_SECONDS = 30.0


class Command(BaseCommand):
    """Run until SIGTERM or Ctrl-C; clusters that are registered or changed meanwhile are taken up within half a minute."""

    requires_system_checks = ()
    """They import every view, which costs seconds; the web process and `make check` run them."""

    help = "Watch all registered clusters and wake operations whose database changed. Run one or more; losing one costs only time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Start a watcher per cluster and wait for a signal."""
        serve_counters()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        running: dict[UUID, tuple[Any, ClusterWatcher]] = {}
        while not stop.is_set():
            self._take_up(running)
            close_old_connections()
            stop.wait(LOOK_FOR_CLUSTERS_SECONDS if running else 1.0)
        for _, watcher in running.values():
            watcher.stop()

    def _take_up(self, running: dict[UUID, tuple[Any, ClusterWatcher]]) -> None:
        clusters = {cluster.id: cluster for cluster in Cluster.objects.all()}
        for cluster_id in list(running):
            known_as, watcher = running[cluster_id]
            if cluster_id not in clusters or clusters[cluster_id].updated_at != known_as:
                watcher.stop()
                del running[cluster_id]
        for cluster_id, cluster in clusters.items():
            if cluster_id not in running:
                watcher = ClusterWatcher(cluster, gateway_to(cluster))
                watcher.start()
                running[cluster_id] = (cluster.updated_at, watcher)
                self.stderr.write(f"watching cluster {cluster.name}")
