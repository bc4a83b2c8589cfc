"""MongoDB: simulated. The objects, conditions and phases are KubeDB's; no server runs and no port is opened."""

import base64
import secrets
from collections.abc import Mapping

from devcluster.operator import defaults
from devcluster.operator.database import ROLE_LABEL, Database, derived_name
from devcluster.operator.engine import Engine, Part, UnsuitableError
from devcluster.operator.kube import Body
from devcluster.operator.layout import (
    PRIMARY,
    STANDBY,
    Binding,
    Layout,
    NodeGroup,
    Port,
    SecretShape,
    ServiceShape,
)

START_SECONDS = 1.0
PORT = Port(name="primary", number=27017)
NODE = "mongodb.kubedb.com/node."
FIRST_DEMANDING_MAJOR = 6
FIRST_GREEDY_MAJOR = 8
KEY_BYTES = 741
"""As many as fill the 1024 characters that a key file may have, less its line ends."""


class MongoDB(Engine):
    """The kind MongoDB."""

    kind = "MongoDB"
    plural = "mongodbs"
    simulated_start_seconds = START_SECONDS

    def username(self, db: Database) -> str:  # noqa: ARG002 - the same for all
        """Give the name of the administrator."""
        return "root"

    def defaults(self, db: Database) -> Body:
        """Give the spec with all defaults filled in."""
        spec = defaults.common(db.spec, db.name)
        spec.setdefault("storageEngine", "wiredTiger")
        spec.setdefault("sslMode", "disabled")
        spec.setdefault("clusterAuthMode", "keyFile")
        main = {"mongodb": _resources(db)}
        replicated = {**main, "replication-mode-detector": defaults.COORDINATOR}
        topology = spec.get("shardTopology")
        if topology:
            for node in ("shard", "configServer", "mongos"):
                part = topology.setdefault(node, {})
                part.setdefault("replicas", 1)
                containers = main if node == "mongos" else replicated
                part["podTemplate"] = defaults.pod_template(part.get("podTemplate"), db.name, containers)
            topology["shard"].setdefault("shards", 1)
            return spec
        spec.setdefault("replicas", 1)
        containers = replicated if spec.get("replicaSet") else main
        spec["podTemplate"] = defaults.pod_template(spec.get("podTemplate"), db.name, containers)
        return spec

    def parts(self, db: Database) -> Mapping[str, Part]:
        """Give the node types that an OpsRequest may name."""
        coordinator = Part(container="replication-mode-detector", volume=())
        if db.spec.get("shardTopology"):
            named = {
                node: Part(path=("shardTopology", node), container="mongodb") for node in ("shard", "configServer")
            }
            router = Part(path=("shardTopology", "mongos"), container="mongodb", volume=())
            return {**named, "mongos": router}
        main = "replicaSet" if db.spec.get("replicaSet") else "standalone"
        extra = {kind: Part(path=(kind,), container="mongodb") for kind in ("arbiter", "hidden") if db.spec.get(kind)}
        return {main: Part(container="mongodb"), "coordinator": coordinator, **extra}

    def scale(self, spec: Body, wanted: Body) -> None:
        """Write the wanted members into a spec."""
        if wanted.get("replicas"):
            _check(is_there=bool(spec.get("replicaSet")), what="replica set")
            spec["replicas"] = int(wanted["replicas"])
        if wanted.get("hidden"):
            _check(is_there=bool(spec.get("hidden")), what="hidden node")
            spec["hidden"]["replicas"] = int(wanted["hidden"]["replicas"])
        for node in ("shard", "configServer", "mongos"):
            if wanted.get(node):
                _check(is_there=bool(spec.get("shardTopology")), what=node)
                spec["shardTopology"][node].update({key: int(number) for key, number in wanted[node].items()})

    def layout(self, db: Database) -> Layout:
        """Describe all that is made for a database."""
        sharded, replicated = bool(db.spec.get("shardTopology")), bool(db.spec.get("replicaSet"))
        groups = _sharded_groups(db) if sharded else _flat_groups(db)
        selector = {f"{NODE}mongos": f"{db.name}-mongos"} if sharded else {ROLE_LABEL: PRIMARY}
        main = ServiceShape(name=db.name, ports=(PORT,), selector=selector, alias="primary")
        headless = {group.governing_service: group for group in groups}
        services = [
            main,
            *(
                ServiceShape(name=name, ports=(PORT,), selector=group.labels, headless=True)
                for name, group in headless.items()
            ),
        ]
        keyfile = SecretShape(name=derived_name(db.name, "key"), kind="Opaque", values={"key.txt": _keyfile()})
        binding = Binding(
            scheme="mongodb", port=PORT.number, service=db.name, parameters=_parameters(db, groups) or None
        )
        return Layout(
            groups=tuple(groups),
            services=tuple(services),
            binding=binding,
            secrets=(keyfile,) if sharded or replicated else (),
        )


def _resources(db: Database) -> defaults.Resources:
    major = int(db.engine_version.split(".", maxsplit=1)[0])
    if major >= FIRST_GREEDY_MAJOR:
        return defaults.Resources(cpu="800m", memory="1536Mi")
    return defaults.Resources(cpu="800m", memory="1Gi") if major >= FIRST_DEMANDING_MAJOR else defaults.MAIN


def _check(*, is_there: bool, what: str) -> None:
    if not is_there:
        raise UnsuitableError(f"The database has no {what}")


def _keyfile() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _group(db: Database, suffix: str, part: Body, labels: Mapping[str, str], *, replicas: int) -> NodeGroup:
    name = derived_name(db.name, suffix) if suffix else db.name
    with_role = f"{NODE}mongos" not in labels
    return NodeGroup(
        name=name,
        replicas=replicas,
        governing_service=derived_name(name, "pods"),
        container="mongodb",
        pod_template=part.get("podTemplate") or {},
        storage=(part.get("storage") or {}) if db.durable and with_role else None,
        claim="datadir",
        labels=labels,
        first_pod_labels={ROLE_LABEL: PRIMARY} if with_role else {},
        other_pods_labels={ROLE_LABEL: STANDBY} if with_role else {},
    )


def _flat_groups(db: Database) -> list[NodeGroup]:
    groups = [_group(db, "", db.spec, {}, replicas=int(db.spec.get("replicas", 1)))]
    for kind, default in (("arbiter", 1), ("hidden", 1)):
        part = db.spec.get(kind)
        if part is not None:
            replicas = int(part.get("replicas", default)) if kind == "hidden" else 1
            template = {"podTemplate": db.spec.get("podTemplate"), **part}
            groups.append(_extra(db, kind, template, replicas))
    return groups


def _extra(db: Database, kind: str, part: Body, replicas: int) -> NodeGroup:
    """Pods that never become primary: voters without data, and hidden copies."""
    return NodeGroup(
        name=derived_name(db.name, kind),
        replicas=replicas,
        governing_service=derived_name(db.name, "pods"),
        container="mongodb",
        pod_template=part.get("podTemplate") or {},
        storage=(part.get("storage") or db.spec.get("storage") or {}) if db.durable else None,
        claim="datadir",
        labels={f"{NODE}type": kind},
    )


def _sharded_groups(db: Database) -> list[NodeGroup]:
    topology = db.spec["shardTopology"]
    config, shard, mongos = topology["configServer"], topology["shard"], topology["mongos"]
    label = f"{db.name}-configsvr"
    groups = [_group(db, "configsvr", config, {f"{NODE}config": label}, replicas=int(config["replicas"]))]
    for number in range(int(shard["shards"])):
        labels = {f"{NODE}shard": f"{db.name}-shard{number}"}
        groups.append(_group(db, f"shard{number}", shard, labels, replicas=int(shard["replicas"])))
    labels = {f"{NODE}mongos": f"{db.name}-mongos"}
    return [*groups, _group(db, "mongos", mongos, labels, replicas=int(mongos["replicas"]))]


def _parameters(db: Database, groups: list[NodeGroup]) -> Body:
    """Tell the members of each replica set, as tools that back up or restore need them."""
    if not (db.spec.get("shardTopology") or db.spec.get("replicaSet")):
        return {}
    parameters: Body = {"apiVersion": "config.kubedb.com/v1alpha1", "kind": "MongoConfiguration", "replicaSets": {}}
    for group in groups:
        hosts = ",".join(f"{pod.name}.{group.governing_service}.{db.namespace}.svc:{PORT.number}" for pod in group.pods)
        if f"{NODE}config" in group.labels:
            parameters["configServer"] = f"cnfRepSet/{hosts}"
        elif f"{NODE}shard" in group.labels:
            number = len(parameters["replicaSets"])
            parameters["replicaSets"][f"host-{number}"] = f"shard{number}/{hosts}"
        elif group.name == db.name:
            parameters["replicaSets"]["host-0"] = f"{db.spec['replicaSet'].get('name', 'rs0')}/{hosts}"
    return parameters


ENGINE = MongoDB
