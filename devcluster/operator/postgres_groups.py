"""The pods of a PostgreSQL database, by PetSet; what their servers do is in `engines/postgres.py`."""

import copy

from devcluster.operator import defaults
from devcluster.operator.database import ROLE_LABEL, Database, derived_name
from devcluster.operator.kube import Body
from devcluster.operator.layout import PRIMARY, STANDBY, NodeGroup

READ_REPLICA_LABEL = "kubedb.com/read-replica-group"


def _storage(db: Database, given: Body | None) -> Body | None:
    return (given or {}) if db.durable else None


def main_group(db: Database, replicas: int) -> NodeGroup:
    """Describe the primary and its standbys."""
    return NodeGroup(
        name=db.name,
        replicas=replicas,
        governing_service=derived_name(db.name, "pods"),
        container="postgres",
        pod_template=db.spec.get("podTemplate") or {},
        storage=_storage(db, db.spec.get("storage")),
        first_pod_labels={ROLE_LABEL: PRIMARY},
        other_pods_labels={ROLE_LABEL: STANDBY},
    )


def arbiter_group(db: Database) -> NodeGroup:
    """Describe the pod that only votes.

    The size of its volume stands among its resources, where the container takes the others from.
    """
    resources = copy.deepcopy((db.spec.get("arbiter") or {}).get("resources") or {})
    size = (resources.get("requests") or {}).pop("storage", "2Gi")
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    given = {"spec": {"containers": [{"name": "pg-coordinator", "resources": resources}]}}
    return NodeGroup(
        name=derived_name(db.name, "arbiter"),
        replicas=1,
        governing_service=derived_name(db.name, "pods"),
        container="pg-coordinator",
        pod_template=defaults.pod_template(given, db.name, {"pg-coordinator": defaults.COORDINATOR}),
        storage=storage if db.durable else None,
        first_pod_labels={ROLE_LABEL: "arbiter"},
    )


def read_replica_group(db: Database, wanted: Body) -> NodeGroup:
    """Describe a group of standbys that never become primary."""
    labels = {READ_REPLICA_LABEL: str(wanted["name"])}
    return NodeGroup(
        name=derived_name(db.name, f"rr-{wanted['name']}"),
        replicas=int(wanted.get("replicas", 1)),
        governing_service=derived_name(db.name, "pods"),
        container="postgres",
        pod_template=db.spec.get("podTemplate") or {},
        storage=_storage(db, wanted.get("storage") or db.spec.get("storage")),
        labels={**labels, ROLE_LABEL: "read-replica"},
    )
