"""Questions that are answered and not stored: may I, who am I."""

from devcluster.apiserver import shapes
from devcluster.apiserver.errors import Body
from devcluster.apiserver.rbac import Access, Authorizer
from devcluster.apiserver.request import Request


def answer(request: Request, body: Body, authorizer: Authorizer) -> Body:
    """Give the review back with its status."""
    review = {**shapes.REVIEW.require(body), "kind": request.resource.kind, "apiVersion": request.resource.api_version}
    review.setdefault("metadata", {})
    if request.resource.plural == "selfsubjectreviews":
        user = request.user
        return {**review, "status": {"userInfo": {"username": user.name, "groups": list(user.groups)}}}
    wanted = (body.get("spec") or {}).get("resourceAttributes")
    if wanted is None:
        return {**review, "status": {"allowed": True, "reason": "non-resource paths are open to all users"}}
    access = Access(
        verb=wanted.get("verb", ""),
        group=wanted.get("group", ""),
        plural=wanted.get("resource", ""),
        namespace=wanted.get("namespace", ""),
        name=wanted.get("name", ""),
        subresource=wanted.get("subresource", ""),
    )
    return {**review, "status": {"allowed": authorizer.allows(request.user, access)}}
