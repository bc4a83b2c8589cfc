"""Redis: real Valkey servers for every version, standalone, watched by sentinels, or joined to a cluster.

The sentinels themselves are a kind of their own, in `redissentinel.py`.
"""

from devcluster.operator import defaults
from devcluster.operator.database import ROLE_LABEL, Database, derived_name
from devcluster.operator.engine import Engine, Workload
from devcluster.operator.kube import Body
from devcluster.operator.layout import PRIMARY, STANDBY, Binding, Layout, NodeGroup, PodShape, Port, ServiceShape
from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import accepts_redis
from devcluster.operator.processes import Launch
from devcluster.operator.servers import valkey

PORT = Port(name="primary", number=6379)
SHARD_LABEL = "redis.kubedb.com/shard"


class Redis(Engine):
    """The kind Redis."""

    kind = "Redis"
    plural = "redises"

    def username(self, db: Database) -> str:
        """Give the name of the administrator."""
        return "" if db.spec.get("disableAuth") else "default"

    def defaults(self, db: Database) -> Body:
        """Give the spec with all defaults filled in."""
        spec = defaults.common(db.spec, db.name, with_auth=not db.spec.get("disableAuth"))
        spec.setdefault("mode", "Standalone")
        if spec["mode"] == "Cluster":
            cluster = spec.setdefault("cluster", {})
            cluster.setdefault("shards", 3)
            cluster.setdefault("replicas", 2)
        else:
            spec.setdefault("replicas", 1)
        sentinel = {"rd-coordinator": defaults.COORDINATOR} if spec["mode"] == "Sentinel" else {}
        containers = {"redis": defaults.MAIN, **sentinel}
        spec["podTemplate"] = defaults.pod_template(spec.get("podTemplate"), db.name, containers)
        return spec

    def layout(self, db: Database) -> Layout:
        """Describe all that is made for a database."""
        services = [
            ServiceShape(name=db.name, ports=(PORT,), selector={ROLE_LABEL: PRIMARY}, alias="primary"),
            ServiceShape(name=derived_name(db.name, "pods"), ports=(PORT,), headless=True),
        ]
        if _mode(db) == "Sentinel":
            name = derived_name(db.name, "standby")
            port = Port(name="standby", number=PORT.number)
            services.append(ServiceShape(name=name, ports=(port,), selector={ROLE_LABEL: STANDBY}, alias="standby"))
        scheme = "rediss" if db.spec.get("tls") else "redis"
        binding = Binding(scheme=scheme, port=PORT.number, service=db.name)
        return Layout(groups=_groups(db), services=tuple(services), binding=binding)

    def running_version(self, db: Database) -> str | None:
        """Tell which server runs."""
        return f"Valkey {valkey.VERSION}" if _mode(db) == "Standalone" else None

    async def start_pod(self, workload: Workload, pod: PodShape) -> str | None:
        """Make the server of a pod run."""
        key, processes, password = workload.key(pod), workload.processes, workload.login.password
        port = processes.port_of(key)
        config = valkey.write_config(
            workload.volumes[pod.name],
            port=port,
            password=password,
            memory_mib=defaults.memory_limit_mib(pod.group.pod_template, "redis"),
            given=workload.config_files.get("redis.conf", ""),
        )
        launch = Launch(
            argv=valkey.command(config),
            port=port,
            stop_signal=valkey.STOP_SIGNAL,
            owner=workload.owner,
            ready=lambda: accepts_redis(port, password),
        )
        await processes.ensure(key, launch)
        return f"{LOOPBACK}:{port}"

    async def is_healthy(self, workload: Workload, pod: PodShape) -> bool:
        """Ask the server of a pod whether it answers."""
        server = workload.processes.running(workload.key(pod))
        return server is not None and await accepts_redis(server.record.port, workload.login.password)


def _mode(db: Database) -> str:
    return str(db.spec.get("mode", "Standalone"))


def _groups(db: Database) -> tuple[NodeGroup, ...]:
    if _mode(db) != "Cluster":
        return (_group(db, db.name, int(db.spec.get("replicas", 1)), {}),)
    cluster = db.spec.get("cluster") or {}
    return tuple(
        _group(db, derived_name(db.name, f"shard{shard}"), int(cluster.get("replicas", 2)), {SHARD_LABEL: str(shard)})
        for shard in range(int(cluster.get("shards", 3)))
    )


def _group(db: Database, name: str, replicas: int, labels: dict[str, str]) -> NodeGroup:
    return NodeGroup(
        name=name,
        replicas=replicas,
        governing_service=derived_name(db.name, "pods"),
        container="redis",
        pod_template=db.spec.get("podTemplate") or {},
        storage=(db.spec.get("storage") or {}) if db.durable else None,
        labels=labels,
        first_pod_labels={ROLE_LABEL: PRIMARY},
        other_pods_labels={ROLE_LABEL: STANDBY},
    )


ENGINE = Redis
