"""MySQL: simulated. The objects, conditions and phases are KubeDB's; no server runs and no port is opened."""

import uuid
from collections.abc import Mapping

from devcluster.operator import defaults
from devcluster.operator.database import ROLE_LABEL, Database, derived_name
from devcluster.operator.engine import Engine, Part, UnsuitableError
from devcluster.operator.kube import Body
from devcluster.operator.layout import PRIMARY, STANDBY, Binding, Layout, NodeGroup, Port, ServiceShape

START_SECONDS = 1.0
PORT = Port(name="primary", number=3306)
STANDBY_PORT = Port(name="standby", number=3306)
ROUTER_PORTS = (
    Port(name="rw", number=6446),
    Port(name="ro", number=6447),
    Port(name="rw-split", number=6450),
)
COMPONENT = "mysql.kubedb.com/component"
COORDINATED = {"GroupReplication", "InnoDBCluster", "SemiSync"}
CLUSTERED_REPLICAS = 3


class MySQL(Engine):
    """The kind MySQL."""

    kind = "MySQL"
    plural = "mysqls"
    simulated_start_seconds = START_SECONDS

    def username(self, db: Database) -> str:  # noqa: ARG002 - the same for all
        """Give the name of the administrator."""
        return "root"

    def defaults(self, db: Database) -> Body:
        """Give the spec with all defaults filled in."""
        spec = defaults.common(db.spec, db.name)
        mode = _mode(db)
        spec.setdefault("replicas", CLUSTERED_REPLICAS if mode in COORDINATED else 1)
        spec.setdefault("useAddressType", "DNS")
        containers = {"mysql": defaults.MAIN}
        if mode in COORDINATED:
            containers["mysql-coordinator"] = defaults.COORDINATOR
        spec["podTemplate"] = defaults.pod_template(spec.get("podTemplate"), db.name, containers)
        if mode == "GroupReplication":
            group = spec["topology"].setdefault("group", {})
            group.setdefault("mode", "Single-Primary")
            # Derived from the object, so that a repeated run writes the same.
            group.setdefault("name", str(uuid.uuid5(uuid.NAMESPACE_URL, db.uid)))
        if mode == "InnoDBCluster":
            cluster = spec["topology"].setdefault("innoDBCluster", {})
            router = cluster.setdefault("router", {})
            router.setdefault("replicas", 1)
            router["podTemplate"] = defaults.pod_template(
                router.get("podTemplate"), db.name, {"mysql-router": defaults.MAIN}
            )
        return spec

    def parts(self, db: Database) -> Mapping[str, Part]:  # noqa: ARG002 - the same for all
        """Give the node types that an OpsRequest may name."""
        return {
            "mysql": Part(container="mysql"),
            "coordinator": Part(container="mysql-coordinator", volume=()),
        }

    def scale(self, spec: Body, wanted: Body) -> None:
        """Write the wanted members into a spec."""
        if _mode_of(spec) not in COORDINATED:
            raise UnsuitableError("MySQL without a topology has one member")
        spec["replicas"] = int(wanted["member"])

    def layout(self, db: Database) -> Layout:
        """Describe all that is made for a database."""
        primary = ServiceShape(name=db.name, ports=(PORT,), selector={ROLE_LABEL: PRIMARY}, alias="primary")
        services = [primary, ServiceShape(name=_headless(db), ports=(PORT,), headless=True)]
        groups = [_main_group(db)]
        if _mode(db) in COORDINATED:
            standby = derived_name(db.name, "standby")
            selector = {ROLE_LABEL: STANDBY}
            services.append(ServiceShape(name=standby, ports=(STANDBY_PORT,), selector=selector, alias="standby"))
        if _mode(db) == "InnoDBCluster":
            router = _router_group(db)
            groups.append(router)
            services.append(ServiceShape(name=router.name, ports=ROUTER_PORTS, selector=router.labels))
        binding = Binding(
            scheme="tcp", port=PORT.number, service=db.name, url=f"tcp({db.name}.{db.namespace}.svc:{PORT.number})/"
        )
        return Layout(groups=tuple(groups), services=tuple(services), binding=binding)


def _mode(db: Database) -> str:
    return _mode_of(db.spec)


def _mode_of(spec: Body) -> str:
    return str((spec.get("topology") or {}).get("mode", ""))


def _headless(db: Database) -> str:
    return derived_name(db.name, "pods")


def _main_group(db: Database) -> NodeGroup:
    return NodeGroup(
        name=db.name,
        replicas=int(db.spec.get("replicas", 1)),
        governing_service=_headless(db),
        container="mysql",
        pod_template=db.spec.get("podTemplate") or {},
        storage=(db.spec.get("storage") or {}) if db.durable else None,
        labels={COMPONENT: "database"} if _mode(db) == "InnoDBCluster" else {},
        first_pod_labels={ROLE_LABEL: PRIMARY},
        other_pods_labels={ROLE_LABEL: STANDBY},
    )


def _router_group(db: Database) -> NodeGroup:
    router = db.spec["topology"]["innoDBCluster"]["router"]
    return NodeGroup(
        name=derived_name(db.name, "router"),
        replicas=int(router["replicas"]),
        governing_service=_headless(db),
        container="mysql-router",
        pod_template=router.get("podTemplate") or {},
        storage=None,
        labels={COMPONENT: "router"},
    )


ENGINE = MySQL
