"""From a row to the manifests that stand for it: what the engine says, with our names, labels and annotations. Pure."""

from provisioning.cluster.ownership import MANAGED_BY, PRODUCT, TENANT_ID, annotations_for, labels_for
from provisioning.engine import Body, DatabaseSpec, Engine
from provisioning.models import Database, Operation
from provisioning.sizes import Resources


def spec_of(database: Database, engine: Engine, operation: Operation) -> DatabaseSpec:
    """Return the engine-neutral description of a database as its row says it should be.

    Raises: KeyError — the row names a version that this release does not know.
    """
    version = engine.version(database.version)
    if version is None:
        raise KeyError(f"{engine.name} has no version {database.version} in this release")
    is_external = database.access_mode == "external"
    return DatabaseSpec(
        object_name=database.object_name,
        namespace=database.namespace,
        version=version,
        topology=database.topology,
        resources=Resources(
            cpu_millicores=database.cpu_millicores, memory_mib=database.memory_mib, storage_gib=database.storage_gib
        ),
        storage_class=database.cluster.storage_class or None,
        external_service_type=database.cluster.external_service_type if is_external else None,
        allowed_cidrs=tuple(database.allowed_cidrs),
        labels=labels_for(tenant_id=database.tenant_id, database_id=database.id),
        annotations=annotations_for(operation_id=operation.id, fence=operation.fence, request_id=operation.request_id),
    )


def namespace_manifest(database: Database) -> Body:
    """Return the tenant's namespace; no operation ever deletes it, because databases share it."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": database.namespace,
            "labels": {
                MANAGED_BY: PRODUCT,
                TENANT_ID: str(database.tenant_id),
            },
        },
    }
