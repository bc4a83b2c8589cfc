"""Optimistic locking: a write names the state that it was meant for, and any other state is a conflict."""

from devcluster.apiserver.errors import MODIFIED_MEANWHILE, Body, conflict
from devcluster.apiserver.request import Request


def require_unmoved(request: Request, old: Body, new: Body) -> None:
    """Let a replacement pass whose uid and resourceVersion, where given, are those of the stored object.

    Raises: ApiError — 409.
    """
    sent, stored = new["metadata"], old["metadata"]
    if sent.get("uid") and sent["uid"] != stored["uid"]:
        why = f"Precondition failed: UID in precondition: {sent['uid']}, UID in object meta: {stored['uid']}"
        raise conflict(request.resource.plural, request.resource.group, request.name, why)
    if sent.get("resourceVersion") and sent["resourceVersion"] != stored["resourceVersion"]:
        raise conflict(request.resource.plural, request.resource.group, request.name, MODIFIED_MEANWHILE)


def require_met(request: Request, old: Body, wanted: Body) -> None:
    """Let a delete pass whose preconditions hold.

    Raises: ApiError — 409.
    """
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        actual = old["metadata"][field]
        if wanted.get(field) and wanted[field] != actual:
            why = (
                f"the {label} in the precondition ({wanted[field]}) does not match the {label} in record ({actual})."
                " The object might have been deleted and then recreated"
            )
            raise conflict(request.resource.plural, request.resource.group, request.name, why)
