"""Pure builders: from a database and its layout to the Kubernetes objects, with their names, labels and owners.

They decide nothing and send nothing: `provisioner.py` applies what they return.
"""

import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime

from devcluster.operator.database import COMPONENT_LABEL, Database
from devcluster.operator.exporter.objects import exporter_containers
from devcluster.operator.kube import Body
from devcluster.operator.layout import Binding, Layout, NodeGroup, PodShape, SecretShape, ServiceShape
from devcluster.operator.resources import (
    APP_BINDINGS,
    CLAIMS,
    DISRUPTION_BUDGETS,
    PET_SETS,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)

PASSWORD_LENGTH = 16
CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
NODE_NAME = "pocket"
POD_ADDRESS = "127.0.0.1"
ADDRESS_ANNOTATION = "devcluster.local/address"
SIMULATED_ANNOTATION = "devcluster.local/simulated"
RUNNING_VERSION_ANNOTATION = "devcluster.local/running-version"
BASIC_AUTH = "kubernetes.io/basic-auth"


def password() -> str:
    """Make a password as KubeDB makes them: 16 letters and digits."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(PASSWORD_LENGTH))


def metadata(
    db: Database, name: str, *, labels: Mapping[str, str] | None = None, owned: bool = True, **more: object
) -> Body:
    """Give the metadata that all made objects share; `owned` objects go when the database goes."""
    made: Body = {"name": name, "namespace": db.namespace, "labels": {**db.labels, **(labels or {})}, **more}
    if owned:
        made["ownerReferences"] = [db.owner_reference]
    return made


def _object(resource: Resource, meta: Body, **content: object) -> Body:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta, **content}


def persistent_secret(db: Database, shape: SecretShape) -> Body:
    """Build a secret without an owner, so that it outlives the database."""
    return _object(SECRETS, metadata(db, shape.name, owned=False), type=shape.kind, stringData=dict(shape.values))


def config_secret(db: Database, files: Mapping[str, str]) -> Body:
    """Build the secret with the configuration files, by file name."""
    return _object(SECRETS, metadata(db, db.config_secret_name), type="Opaque", stringData=dict(files))


def service(db: Database, shape: ServiceShape) -> Body:
    """Build a service, as the service template of its alias changes it."""
    template = _service_template(db, shape.alias)
    given = template.get("spec") or {}
    spec: Body = {
        "selector": {**db.selector, **shape.selector},
        "ports": _service_ports(shape, given.get("ports") or []),
        "type": given.get("type", "ClusterIP"),
    }
    kept = ("externalIPs", "loadBalancerIP", "loadBalancerSourceRanges", "externalTrafficPolicy", "healthCheckNodePort")
    spec |= {key: given[key] for key in kept if key in given}
    if shape.headless:
        spec |= {"type": "ClusterIP", "clusterIP": "None", "publishNotReadyAddresses": True}
    annotations = dict((template.get("metadata") or {}).get("annotations") or {})
    return _object(SERVICES, metadata(db, shape.name, annotations=annotations), spec=spec)


def _service_template(db: Database, alias: str) -> Body:
    templates: list[Body] = db.spec.get("serviceTemplates") or []
    return next((template for template in templates if alias and template.get("alias") == alias), {})


def _service_ports(shape: ServiceShape, given: list[Body]) -> list[Body]:
    wanted = {port.get("name"): port for port in given}
    ports = []
    for port in shape.ports:
        made = {"name": port.name, "port": port.number, "targetPort": port.name, "protocol": "TCP"}
        node_port = (wanted.get(port.name) or {}).get("nodePort")
        ports.append({**made, "nodePort": node_port} if node_port else made)
    return ports


def claim(db: Database, pod: PodShape) -> Body:
    """Build a pod's volume claim: no owner, because what happens to it is decided when the database is deleted."""
    meta = metadata(db, pod.claim_name, labels=pod.group.labels, owned=False, finalizers=[CLAIM_FINALIZER])
    spec = {"accessModes": ["ReadWriteOnce"], **(pod.group.storage or {})}
    return _object(CLAIMS, meta, spec={**spec, "volumeMode": "Filesystem", "volumeName": f"pvc-{pod.claim_name}"})


def bound_claim_status(made: Body) -> Body:
    """Give the status of a claim whose volume exists."""
    spec = made["spec"]
    return {
        "phase": "Bound",
        "accessModes": spec["accessModes"],
        "capacity": {"storage": ((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi")},
    }


def pet_set(db: Database, group: NodeGroup) -> Body:
    """Build the PetSet of a group of pods."""
    selector = {**db.selector, **group.labels}
    spec = {
        "replicas": group.replicas,
        "serviceName": group.governing_service,
        "selector": {"matchLabels": selector},
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "OnDelete"},
        "template": {"metadata": {"labels": {**db.labels, **group.labels}}, "spec": _pod_spec(db, group)},
    }
    return _object(PET_SETS, metadata(db, group.name, labels=group.labels), spec=spec)


def pod(db: Database, shape: PodShape, owner_uid: str, *, simulated: bool) -> Body:
    """Build a pod of a PetSet; `simulated` is written on it where no process stands behind it."""
    given = shape.group.pod_template.get("metadata") or {}
    annotations = {**(given.get("annotations") or {}), SIMULATED_ANNOTATION: _word(simulated)}
    labels = {**(given.get("labels") or {}), **shape.labels, "apps.kubernetes.io/pod-index": str(shape.ordinal)}
    meta = metadata(db, shape.name, labels=labels, owned=False, annotations=annotations)
    meta["ownerReferences"] = [
        {
            "apiVersion": PET_SETS.api_version,
            "kind": PET_SETS.kind,
            "name": shape.group.name,
            "uid": owner_uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    spec = _pod_spec(db, shape.group)
    source = {"persistentVolumeClaim": {"claimName": shape.claim_name}} if shape.group.storage else {"emptyDir": {}}
    spec |= {
        "hostname": shape.name,
        "subdomain": shape.group.governing_service,
        "nodeName": NODE_NAME,
        "volumes": [{"name": shape.group.claim, **source}],
    }
    return _object(PODS, meta, spec=spec)


def _word(value: bool) -> str:
    return "true" if value else "false"


def _pod_spec(db: Database, group: NodeGroup) -> Body:
    given = group.pod_template.get("spec") or {}
    image = (db.version["spec"].get("db") or {}).get("image", f"{group.container}:{db.engine_version}")
    containers = [{"image": image, **container} for container in given.get("containers") or []]
    kept = ("nodeSelector", "tolerations", "schedulerName", "priorityClassName", "securityContext")
    containers = containers or [{"name": group.container, "image": image}]
    return {
        "containers": [*containers, *exporter_containers(db, group)],
        "serviceAccountName": given.get("serviceAccountName") or db.name,
        **{key: given[key] for key in kept if key in given},
    }


def pod_status(made: Body, *, ready: bool, restarts: int, now: datetime | None = None) -> Body:
    """Give the status of a pod whose server runs (`ready`) or is down."""
    at = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    before = made.get("status") or {}
    started = before.get("startTime") or at
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": started},
        {"type": "Initialized", "status": "True", "lastTransitionTime": started},
        {"type": "ContainersReady", "status": str(ready), "lastTransitionTime": at},
        {"type": "Ready", "status": str(ready), "lastTransitionTime": at},
    ]
    state: Body = {"running": {"startedAt": at}} if ready else {"waiting": {"reason": "ServerNotRunning"}}
    containers = [
        {
            "name": container["name"],
            "image": container.get("image", ""),
            "imageID": "",
            "ready": ready,
            "started": ready,
            "restartCount": restarts,
            "state": state,
        }
        for container in made["spec"]["containers"]
    ]
    return {
        "phase": "Running",
        "hostIP": POD_ADDRESS,
        "podIP": POD_ADDRESS,
        "podIPs": [{"ip": POD_ADDRESS}],
        "startTime": started,
        "conditions": conditions,
        "containerStatuses": containers,
    }


def access_objects(db: Database) -> list[tuple[Resource, Body]]:
    """Build the service account of the pods, and what it may do."""
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]},
        {"apiGroups": [db.resource.api_version.split("/")[0]], "resources": [db.resource.plural], "verbs": ["get"]},
    ]
    subject = {"kind": "ServiceAccount", "name": db.name, "namespace": db.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": db.name}
    return [
        (SERVICE_ACCOUNTS, _object(SERVICE_ACCOUNTS, metadata(db, db.name))),
        (ROLES, _object(ROLES, metadata(db, db.name), rules=rules)),
        (ROLE_BINDINGS, _object(ROLE_BINDINGS, metadata(db, db.name), roleRef=role, subjects=[subject])),
    ]


def disruption_budgets(db: Database, layout: Layout) -> list[Body]:
    """Build one budget per group of several pods: one of them may be away at a time."""
    return [
        _object(
            DISRUPTION_BUDGETS,
            metadata(db, group.name, labels=group.labels),
            spec={"maxUnavailable": 1, "selector": {"matchLabels": {**db.selector, **group.labels}}},
        )
        for group in layout.groups
        if group.replicas > 1
    ]


def app_binding(db: Database, binding: Binding, *, with_secret: bool) -> Body:
    """Build the AppBinding, the handle through which other tools find the database."""
    client: Body = {"url": binding.url} if binding.url else {}
    described = {"scheme": binding.scheme, "name": binding.service, "port": binding.port}
    optional = {"path": binding.path, "query": binding.query}
    client["service"] = described | {key: value for key, value in optional.items() if value}
    spec: Body = {
        "type": f"kubedb.com/{db.resource.kind.lower()}",
        "version": db.engine_version,
        "appRef": {"apiGroup": "kubedb.com", "kind": db.resource.kind, "name": db.name, "namespace": db.namespace},
        "clientConfig": client,
    }
    if with_secret:
        spec["secret"] = {"name": db.auth_secret_name}
    if binding.parameters:
        spec["parameters"] = binding.parameters
    meta = metadata(db, db.name, labels={COMPONENT_LABEL: "database"})
    return _object(APP_BINDINGS, meta, spec=spec)
