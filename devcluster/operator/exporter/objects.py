"""What `spec.monitor` adds to a database's objects: the stats service, and a container in every pod that stores something. Pure.

Source: kubedb/apimachinery apis/kubedb/v1/*_helpers.go StatsService, apis/kubedb/constants.go.
"""

from collections.abc import Sequence

from devcluster.operator.database import ROLE_LABEL, Database, derived_name
from devcluster.operator.kube import Body
from devcluster.operator.layout import NodeGroup
from devcluster.operator.resources import SERVICES

CONTAINER = "exporter"
PORT_NAME, PORT, PATH = "metrics", 56790, "/metrics"
STATS_ROLE = "stats"
BUILT_IN_AGENT = "prometheus.io/builtin"
UNMONITORED_CONTAINERS = frozenset({"pg-coordinator", "mysql-router"})
"""Pods whose main container is one of these hold no data of the engine's, and get no exporter."""


def stats_services(db: Database) -> list[Body]:
    """Build the stats service of a monitored database; none for another."""
    monitor = db.spec.get("monitor")
    if not monitor:
        return []
    port = _port(db)
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/path": PATH, "prometheus.io/port": str(port)}
    meta: Body = {
        "name": derived_name(db.name, STATS_ROLE),
        "namespace": db.namespace,
        "labels": {**db.labels, ROLE_LABEL: STATS_ROLE},
        "annotations": scraped if monitor.get("agent") == BUILT_IN_AGENT else {},
        "ownerReferences": [db.owner_reference],
    }
    ports = [{"name": PORT_NAME, "port": port, "targetPort": PORT_NAME, "protocol": "TCP"}]
    spec = {"type": "ClusterIP", "selector": dict(db.selector), "ports": ports}
    return [{"apiVersion": SERVICES.api_version, "kind": SERVICES.kind, "metadata": meta, "spec": spec}]


def exporter_containers(db: Database, group: NodeGroup) -> Sequence[Body]:
    """Build the exporter's container for the pods of a group; none where nothing is monitored."""
    if not db.spec.get("monitor") or group.container in UNMONITORED_CONTAINERS:
        return []
    image = (db.version["spec"].get("exporter") or {}).get("image", CONTAINER)
    resources = _exporter(db).get("resources") or {}
    ports = [{"name": PORT_NAME, "containerPort": _port(db), "protocol": "TCP"}]
    return [{"name": CONTAINER, "image": image, "ports": ports, "resources": resources}]


def is_stats(service: Body) -> bool:
    """Tell whether a service is a stats service: no server of the engine stands behind it."""
    return ((service["metadata"].get("labels") or {}).get(ROLE_LABEL)) == STATS_ROLE


def _exporter(db: Database) -> Body:
    exporter: Body = ((db.spec.get("monitor") or {}).get("prometheus") or {}).get("exporter") or {}
    return exporter


def _port(db: Database) -> int:
    return int(_exporter(db).get("port") or PORT)
