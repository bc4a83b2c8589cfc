"""The refusals of KubeDB's webhooks that a client may meet, as tables of rules. Cluster behavior is in `kinds`."""

from devcluster.apiserver.errors import Body, denied_by_webhook
from devcluster.apiserver.request import Request
from devcluster.apiserver.store import Store

DATABASES = "kubedb.com"
OPERATIONS = "ops.kubedb.com"


class Admission:
    """Asks every rule that applies to a write."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mutate(self, request: Request, old: Body | None, new: Body) -> None:
        """Fill in what a mutating webhook would, in place."""

    def validate(self, request: Request, old: Body | None, new: Body) -> None:
        """Let a new or changed object pass.

        Raises: ApiError — 403 or 422, as KubeDB words it.
        """

    def check_delete(self, request: Request, old: Body) -> None:
        """Let a delete pass.

        Raises: ApiError — 403, for a protected database.
        """
        if request.resource.group == DATABASES and (old.get("spec") or {}).get("deletionPolicy") == "DoNotTerminate":
            where = f"{old['metadata']['namespace']}/{old['metadata']['name']}"
            kind = request.resource.kind
            webhook = f"{kind.lower()}webhook.validators.{DATABASES}"
            raise denied_by_webhook(
                webhook, f'{kind} "{where}" can\'t be terminated. To delete, change spec.deletionPolicy'
            )
