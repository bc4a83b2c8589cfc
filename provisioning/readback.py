"""Write into the row what the custom resource says the database is, whatever we asked for: row and cluster never disagree."""

from dbaas.core.errors import Permanent
from provisioning.cluster.kinds import Ref, kind_of
from provisioning.engine import Body
from provisioning.observations import observed_columns
from provisioning.run import Run
from provisioning.sizes import plan_of


class DatabaseGone(Permanent):
    """The database's object is not in the cluster."""

    code = "database.object_missing"


def ref_to_database(run: Run) -> Ref:
    """Return the address of the database's custom resource."""
    kind = kind_of("kubedb.com/v1", run.engine.kind)
    return Ref(kind=kind, name=run.database.object_name, namespace=run.database.namespace)


def find_database(run: Run) -> Body:
    """Return the database's custom resource.

    Raises: DatabaseGone.
    """
    found = run.gateway.get(ref_to_database(run))
    if found is None:
        raise DatabaseGone
    return found


def read_back(run: Run) -> Body:
    """Record version, size and topology as the cluster has them, and return the custom resource.

    Raises: DatabaseGone.
    """
    found = find_database(run)
    held = run.engine.changes.read(found["spec"], run.database.topology)
    size = held.resources
    run.record(
        **observed_columns(found),
        version=held.version,
        topology=dict(held.topology),
        plan=plan_of(size),
        cpu_millicores=size.cpu_millicores,
        memory_mib=size.memory_mib,
        storage_gib=size.storage_gib,
    )
    return found
