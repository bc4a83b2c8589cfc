"""Elasticsearch and OpenSearch: simulated. The objects, conditions and phases are KubeDB's; no server runs."""

from collections.abc import Mapping

from devcluster.operator import defaults
from devcluster.operator.database import Database, derived_name
from devcluster.operator.engine import Engine, Part, UnsuitableError
from devcluster.operator.kube import Body
from devcluster.operator.layout import Binding, Layout, NodeGroup, Port, SecretShape, ServiceShape
from devcluster.operator.objects import BASIC_AUTH, password

START_SECONDS = 1.0
HTTP_PORT = Port(name="http", number=9200)
TRANSPORT_PORT = Port(name="transport", number=9300)
NODE_RESOURCES = defaults.Resources(cpu="500m", memory="1536Mi")
NODE_TYPES = {
    "master": "master",
    "data": "data",
    "dataHot": "data-hot",
    "dataContent": "data-content",
    "dataWarm": "data-warm",
    "dataCold": "data-cold",
    "dataFrozen": "data-frozen",
    "ingest": "ingest",
    "ml": "ml",
    "transform": "transform",
    "coordinating": "coordinating",
}
"""The node types of a topology, and the suffix that each has unless the spec says otherwise."""
COMBINED_ROLES = ("master", "data", "ingest")
INTERNAL_USERS = ("apm_system", "beats_system", "kibana_system", "logstash_system", "remote_monitoring_user")
ROLE = "kubedb.com/role-"


class Elasticsearch(Engine):
    """The kind Elasticsearch."""

    kind = "Elasticsearch"
    plural = "elasticsearches"
    simulated_start_seconds = START_SECONDS

    def username(self, db: Database) -> str:
        """Give the name of the administrator."""
        if db.spec.get("disableSecurity"):
            return ""
        return "elastic" if _is_elastic(db) else "admin"

    def defaults(self, db: Database) -> Body:
        """Give the spec with all defaults filled in."""
        spec = defaults.common(db.spec, db.name, with_auth=not db.spec.get("disableSecurity"))
        spec.setdefault("heapSizePercentage", 50)
        spec.setdefault(
            "kernelSettings", {"privileged": True, "sysctls": [{"name": "vm.max_map_count", "value": "262144"}]}
        )
        containers = {"elasticsearch": NODE_RESOURCES}
        if not spec.get("topology"):
            spec.setdefault("replicas", 1)
            spec["podTemplate"] = defaults.pod_template(spec.get("podTemplate"), db.name, containers)
            return spec
        for node_type, suffix in NODE_TYPES.items():
            node = spec["topology"].get(node_type)
            if node is not None:
                node.setdefault("replicas", 1)
                node.setdefault("suffix", suffix)
                node["podTemplate"] = defaults.pod_template(node.get("podTemplate"), db.name, containers)
        return spec

    def parts(self, db: Database) -> Mapping[str, Part]:
        """Give the node types that an OpsRequest may name."""
        if not db.spec.get("topology"):
            return {"node": Part(container="elasticsearch")}
        present = [node for node in NODE_TYPES if db.spec["topology"].get(node) is not None]
        return {node: Part(path=("topology", node), container="elasticsearch") for node in present}

    def scale(self, spec: Body, wanted: Body) -> None:
        """Write the wanted members into a spec."""
        if wanted.get("node"):
            if spec.get("topology"):
                raise UnsuitableError("The nodes of the database have roles of their own")
            spec["replicas"] = int(wanted["node"])
        for node, number in (wanted.get("topology") or {}).items():
            if (spec.get("topology") or {}).get(node) is None:
                raise UnsuitableError(f"The database has no nodes of type {node}")
            spec["topology"][node]["replicas"] = int(number)

    def layout(self, db: Database) -> Layout:
        """Describe all that is made for a database."""
        http_role = "ingest" if (db.spec.get("topology") or {}).get("ingest") else "data"
        services = (
            ServiceShape(name=db.name, ports=(HTTP_PORT,), selector={f"{ROLE}{http_role}": "set"}, alias="primary"),
            ServiceShape(
                name=derived_name(db.name, "master"),
                ports=(TRANSPORT_PORT,),
                selector={f"{ROLE}master": "set"},
                headless=True,
            ),
            ServiceShape(name=derived_name(db.name, "pods"), ports=(HTTP_PORT,), headless=True),
        )
        scheme = "https" if db.spec.get("enableSSL") else "http"
        binding = Binding(scheme=scheme, port=HTTP_PORT.number, service=db.name)
        return Layout(groups=_groups(db), services=services, binding=binding, secrets=_user_secrets(db))


def _is_elastic(db: Database) -> bool:
    return db.distribution == "ElasticStack"


def _groups(db: Database) -> tuple[NodeGroup, ...]:
    topology = db.spec.get("topology")
    if not topology:
        return (_group(db, db.name, db.spec, COMBINED_ROLES),)
    return tuple(
        _group(
            db, derived_name(db.name, str(topology[node_type].get("suffix", suffix))), topology[node_type], (suffix,)
        )
        for node_type, suffix in NODE_TYPES.items()
        if topology.get(node_type) is not None
    )


def _group(db: Database, name: str, node: Body, roles: tuple[str, ...]) -> NodeGroup:
    return NodeGroup(
        name=name,
        replicas=int(node.get("replicas", 1)),
        governing_service=derived_name(db.name, "pods"),
        container="elasticsearch",
        pod_template=node.get("podTemplate") or {},
        storage=(node.get("storage") or {}) if db.durable else None,
        labels={f"{ROLE}{role}": "set" for role in roles},
    )


def _user_secrets(db: Database) -> tuple[SecretShape, ...]:
    if db.spec.get("disableSecurity") or not _is_elastic(db):
        return ()
    return tuple(
        SecretShape(
            name=derived_name(db.name, f"{user.replace('_', '-')}-cred"),
            kind=BASIC_AUTH,
            values={"username": user, "password": password()},
        )
        for user in INTERNAL_USERS
    )


ENGINE = Elasticsearch
