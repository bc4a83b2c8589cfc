"""Labels and annotations by which we know our objects again. Pure."""

from uuid import UUID

from provisioning.engine import Body

MANAGED_BY = "dbaas/managed-by"
PRODUCT = "dbaas"
DATABASE_ID = "dbaas/database-id"
TENANT_ID = "dbaas/tenant-id"
OPERATION_ID = "dbaas/operation-id"
FENCE = "dbaas/fence"
"""Of the worker that wrote last (`Operation.fence`): a frozen worker's late write can be told by it."""
OVERTAKEN_BY = "dbaas/overtaken-by"
"""The operation that turned back and left this mark, so that what it had sent before no longer names the object's version."""
REQUEST_ID = "dbaas/request-id"

OURS = f"{MANAGED_BY}={PRODUCT}"
"""Label selector for everything that the product made."""

SIMULATED = "devcluster.local/simulated"
RUNNING_VERSION = "devcluster.local/running-version"
"""Written by the pocket cluster only."""


def labels_for(*, tenant_id: UUID, database_id: UUID) -> dict[str, str]:
    """Return the labels of every object that belongs to one database; KubeDB copies them to all that it makes."""
    return {MANAGED_BY: PRODUCT, TENANT_ID: str(tenant_id), DATABASE_ID: str(database_id)}


def annotations_for(*, operation_id: UUID, fence: int, request_id: str) -> dict[str, str]:
    """Return the annotations that say which operation wrote an object, and under which lease."""
    return {OPERATION_ID: str(operation_id), FENCE: str(fence), REQUEST_ID: request_id}


def belongs_to(body: Body, database_id: UUID) -> bool:
    """Tell whether the object carries our label for this database."""
    found: object = (body["metadata"].get("labels") or {}).get(DATABASE_ID)
    return found == str(database_id)


def is_being_deleted(body: Body) -> bool:
    """Tell whether the object only waits for its finalizers."""
    return bool(body["metadata"].get("deletionTimestamp"))


def owner_of(body: Body) -> UUID | None:
    """Return the id of the database that the object belongs to by its label; None without a label that is an id."""
    try:
        return UUID((body["metadata"].get("labels") or {}).get(DATABASE_ID, ""))
    except ValueError:
        return None


def fence_of(body: Body) -> int:
    """Return the fence of whoever wrote the object last; 0 where none of ours did."""
    text = annotation_of(body, FENCE)
    return int(text) if text.isdecimal() else 0


def annotation_of(body: Body, name: str) -> str:
    """Return the annotation's value, or an empty text."""
    return str((body["metadata"].get("annotations") or {}).get(name, ""))
