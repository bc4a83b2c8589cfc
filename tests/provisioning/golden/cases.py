"""Which databases are written down: for every engine each mode, each choice, and the ways to be reached from outside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from provisioning.cluster.ownership import annotations_for, labels_for
from provisioning.engine import Body, DatabaseSpec, Engine
from provisioning.models import Cluster
from provisioning.orders import Order, Wish, check_order

FOLDER = Path(__file__).parent
RANDOM_PART = "0kq3v9x2m7c5b8n4d6f1g0h2j3"
"""As long as what every object's name ends in."""
NAMESPACE = "tenant-0kq3v9x2m7c5b8n4d6f1g0h2j3"
TENANT_ID = UUID("01920000-0000-7000-8000-000000000001")
DATABASE_ID = UUID("01920000-0000-7000-8000-000000000002")
OPERATION_ID = UUID("01920000-0000-7000-8000-000000000003")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One database: what is ordered, and where its manifests are written down."""

    engine: str
    name: str
    topology: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None
    plan: str | None = None
    service: str | None = None
    """How the database is to be reached from outside; None: not at all."""
    allowed_cidrs: tuple[str, ...] = ()
    storage_class: str = ""

    def __str__(self) -> str:
        return f"{self.engine}-{self.name}"

    @property
    def file(self) -> Path:
        """Return where in the folder of golden files this one is."""
        return Path(self.engine, f"{self.name}.yaml")

    @property
    def wish(self) -> Wish:
        """Return what a customer asks for."""
        return Wish(
            name="orders",
            engine=self.engine,
            version=self.version,
            plan=self.plan,
            topology=self.topology,
            access_mode="external" if self.service else "internal",
            allowed_cidrs=self.allowed_cidrs,
        )

    @property
    def order(self) -> Order:
        """Return the order, checked like a customer's."""
        cluster = Cluster(name="here", region="here", external_service_type=self.service or "LoadBalancer")
        return check_order(self.wish, [cluster])

    @property
    def spec(self) -> DatabaseSpec:
        """Return what the manifests are made from."""
        return spec_for(
            self.order,
            storage_class=self.storage_class or None,
            external_service_type=self.service,
            allowed_cidrs=self.allowed_cidrs,
        )

    @property
    def manifests(self) -> list[Body]:
        """Return all objects in the order in which they are made."""
        return manifests_of(self.order.engine, self.spec)

    @property
    def text(self) -> str:
        """Return the golden file as it should be: what quota reserves, then the objects."""
        return "".join([*self._nodes(), yaml.safe_dump_all(self.manifests, sort_keys=True, width=120)])

    def _nodes(self) -> Iterator[str]:
        order = self.order
        for group in order.engine.node_groups(order.topology, order.resources):
            each = group.each
            amounts = f"{each.cpu_millicores}m, {each.memory_mib} MiB, {each.storage_gib} GiB"
            yield f"# {group.count} x {group.role}: {amounts}\n"


def spec_for(order: Order, **more: Any) -> DatabaseSpec:
    """Return what the manifests of an order are made from, with our labels and annotations."""
    return DatabaseSpec(
        object_name=f"{order.engine.short_name}-{RANDOM_PART}",
        namespace=NAMESPACE,
        version=order.version,
        topology=order.topology,
        resources=order.resources,
        labels=labels_for(tenant_id=TENANT_ID, database_id=DATABASE_ID),
        annotations=annotations_for(operation_id=OPERATION_ID, fence=1, request_id="req-1"),
        **more,
    )


def manifests_of(engine: Engine, spec: DatabaseSpec) -> list[Body]:
    """Return a database's objects in the order in which they are made."""
    return [*engine.companion_manifests(spec), engine.database_manifest(spec)]


_OUTSIDE: dict[str, Any] = {
    "service": "LoadBalancer",
    "allowed_cidrs": ("203.0.113.0/24", "2001:db8::/32"),
    "storage_class": "fast",
}
_REPLICATED = {"mode": "replicated"}
_SHARDED = {"mode": "sharded"}

CASES = (
    Case(engine="postgres", name="standalone"),
    Case(engine="postgres", name="standalone-node-port", plan="micro", service="NodePort"),
    Case(engine="postgres", name="replicated", topology=_REPLICATED),
    Case(engine="postgres", name="replicated-even", topology={**_REPLICATED, "replicas": 2}),
    Case(engine="postgres", name="replicated-synchronous", topology={**_REPLICATED, "streaming": "synchronous"}),
    Case(engine="postgres", name="replicated-outside", topology=_REPLICATED, **_OUTSIDE),
    Case(engine="mysql", name="standalone"),
    Case(engine="mysql", name="replicated-group", topology=_REPLICATED),
    Case(engine="mysql", name="replicated-innodb", topology={**_REPLICATED, "replication": "innodb", "routers": 2}),
    Case(engine="mysql", name="replicated-semisync", topology={**_REPLICATED, "replication": "semisync"}),
    Case(engine="mysql", name="replicated-outside", topology=_REPLICATED, **_OUTSIDE),
    Case(engine="mongodb", name="standalone"),
    Case(engine="mongodb", name="replicated", topology=_REPLICATED),
    Case(engine="mongodb", name="replicated-outside", topology=_REPLICATED, **_OUTSIDE),
    Case(engine="mongodb", name="sharded", topology=_SHARDED),
    Case(engine="mongodb", name="sharded-outside", topology=_SHARDED, version="percona-8.0.17", **_OUTSIDE),
    Case(engine="redis", name="standalone"),
    Case(engine="redis", name="replicated", topology=_REPLICATED),
    Case(engine="redis", name="replicated-outside", topology=_REPLICATED, version="valkey-8.1.1", **_OUTSIDE),
    Case(engine="redis", name="sharded", topology=_SHARDED),
    Case(engine="redis", name="sharded-outside", topology=_SHARDED, **_OUTSIDE),
    Case(engine="elasticsearch", name="standalone"),
    Case(engine="elasticsearch", name="standalone-opensearch", version="opensearch-3.4.0"),
    Case(engine="elasticsearch", name="replicated", topology=_REPLICATED),
    Case(engine="elasticsearch", name="replicated-outside", topology=_REPLICATED, **_OUTSIDE),
    Case(engine="elasticsearch", name="sharded", topology={**_SHARDED, "nodes": {"master": 3, "data": 3, "ingest": 1}}),
    Case(engine="elasticsearch", name="sharded-outside", topology=_SHARDED, **_OUTSIDE),
)
