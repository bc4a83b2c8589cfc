"""KubeDB's names, and what its admission rules may look at; the rules are in `admission` and `opsrequests`."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from devcluster.apiserver.errors import Body
from devcluster.apiserver.store import Key, Store

DATABASES, OPERATIONS, CATALOG = "kubedb.com", "ops.kubedb.com", "catalog.kubedb.com"
PLURALS: Mapping[str, str] = {
    "Postgres": "postgreses", "MySQL": "mysqls", "MongoDB": "mongodbs", "Redis": "redises",
    "RedisSentinel": "redissentinels", "Elasticsearch": "elasticsearches",
}  # fmt: skip


def version_resource(kind: str) -> str:
    """Name the resource that holds the versions of a kind; Redis and its sentinels share theirs."""
    engine = "Redis" if kind == "RedisSentinel" else kind
    return f"{engine.lower()}versions.{CATALOG}"


@dataclass(frozen=True)
class Context:
    """What a rule may look at besides the object."""

    store: Store
    namespace: str
    kind: str

    def find(self, resource: str, name: str, *, namespace: str | None = None) -> Body | None:
        """Give another object, in the same namespace unless one is named."""
        stored = self.store.get(Key(resource, self.namespace if namespace is None else namespace, name))
        return orjson.loads(stored) if stored is not None else None
