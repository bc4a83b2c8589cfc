"""Finds the database that a backup or a restore is about, and what is needed to reach its servers.

It reads only what any client may read: the custom resource, its pods and its secret. It changes nothing.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from devcluster.operator.backup.bodies import Place, referred, status_of
from devcluster.operator.database import ROLE_LABEL, Database, selector_text
from devcluster.operator.engine import Engine, Login
from devcluster.operator.kube import Body
from devcluster.operator.layout import PRIMARY
from devcluster.operator.objects import ADDRESS_ANNOTATION, SIMULATED_ANNOTATION
from devcluster.operator.phases import Type
from devcluster.operator.phases import status_of as condition_status
from devcluster.operator.processes import ServerError
from devcluster.operator.resources import PODS, SECRETS
from devcluster.operator.site import Key, Site

UNDECIDED_VERSION: Body = {"spec": {"version": "0"}}
DATABASE_GROUP = "kubedb.com"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A database as it was read."""

    engine: Engine
    db: Database

    @property
    def key(self) -> Key:
        """The key under which the rest of the operator knows it."""
        return self.engine.plural, self.db.namespace, self.db.name

    @property
    def reference(self) -> Body:
        """How other objects refer to it."""
        return {
            "apiGroup": DATABASE_GROUP,
            "kind": self.engine.kind,
            "namespace": self.db.namespace,
            "name": self.db.name,
        }

    @property
    def phase(self) -> str:
        """Its phase."""
        return str(status_of(self.db.body).get("phase", ""))

    @property
    def is_simulated(self) -> bool:
        """Whether no server runs behind it."""
        return (self.db.body["metadata"].get("annotations") or {}).get(SIMULATED_ANNOTATION) != "false"

    def has(self, kind: Type) -> bool:
        """Tell whether a condition is True."""
        return condition_status(status_of(self.db.body).get("conditions") or [], kind) is True


async def find_target(
    site: Site, engines: Mapping[str, Engine], reference: Body | None, namespace: str
) -> Target | None:
    """Find the database that a reference names; None when there is none, or its kind is none of ours."""
    place = referred(reference, namespace)
    kind = (reference or {}).get("kind")
    engine = next((one for one in engines.values() if one.kind == kind), None)
    if place is None or engine is None:
        return None
    body = await site.kube.find(engine.resource, *place)
    if body is None:
        return None
    return Target(engine=engine, db=Database(resource=engine.resource, body=body, version=UNDECIDED_VERSION))


async def read_login(site: Site, target: Target) -> Login:
    """Read the administrator's login; empty where there is no authentication. Raises: ServerError — no secret."""
    username = target.engine.username(target.db)
    if not username:
        return Login(username="", password="")
    secret = await site.kube.find(SECRETS, target.db.namespace, target.db.auth_secret_name)
    if secret is None:
        raise ServerError(f"auth secret {target.db.auth_secret_name} is not found")
    encoded = secret.get("data") or {}
    values = {key: base64.b64decode(value).decode(errors="replace") for key, value in encoded.items()}
    return Login(username=values.get("username", username), password=values.get("password", ""))


async def primaries(site: Site, target: Target) -> list[tuple[Place, int]]:
    """Give the pods that take writes and the ports of their servers, in the order of their names."""
    selector = selector_text({**target.db.selector, ROLE_LABEL: PRIMARY})
    found = []
    for pod in await site.kube.list_all(PODS, target.db.namespace, selector):
        address = str((pod["metadata"].get("annotations") or {}).get(ADDRESS_ANNOTATION, ""))
        if address:
            place = Place(target.db.namespace, str(pod["metadata"]["name"]))
            found.append((place, int(address.rpartition(":")[2])))
    if not found:
        raise ServerError(
            f"{target.engine.kind} {target.db.namespace}/{target.db.name} has no server that takes writes"
        )
    return sorted(found)
