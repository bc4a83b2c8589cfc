"""RedisSentinel: real `valkey-server --sentinel` processes that watch the primaries of Redis databases.

Which databases they watch is told to them by each database, in `redis.py`.
"""

from collections.abc import Mapping

from devcluster.operator import defaults
from devcluster.operator.database import Database, derived_name
from devcluster.operator.engine import Engine, Part, Workload
from devcluster.operator.kube import Body
from devcluster.operator.layout import Binding, Layout, NodeGroup, PodShape, Port, ServiceShape
from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import accepts_redis
from devcluster.operator.processes import Launch
from devcluster.operator.servers import valkey

PORT = Port(name="sentinel", number=26379)


class RedisSentinel(Engine):
    """The kind RedisSentinel."""

    kind = "RedisSentinel"
    plural = "redissentinels"
    catalogue_kind = "Redis"

    def username(self, db: Database) -> str:
        """Give the name of the administrator."""
        return "" if db.spec.get("disableAuth") else "root"

    def defaults(self, db: Database) -> Body:
        """Give the spec with all defaults filled in."""
        spec = defaults.common(db.spec, db.name, with_auth=not db.spec.get("disableAuth"))
        spec.setdefault("replicas", 1)
        containers = {"redissentinel": defaults.MAIN}
        spec["podTemplate"] = defaults.pod_template(spec.get("podTemplate"), db.name, containers)
        return spec

    def parts(self, db: Database) -> Mapping[str, Part]:  # noqa: ARG002 - the same for all
        """Give the node types that an OpsRequest may name."""
        return {"redissentinel": Part(container="redissentinel")}

    def scale(self, spec: Body, wanted: Body) -> None:
        """Write the wanted members into a spec."""
        spec["replicas"] = int(wanted["replicas"])

    def layout(self, db: Database) -> Layout:
        """Describe all that is made for a set of sentinels."""
        services = (
            ServiceShape(name=db.name, ports=(PORT,), alias="primary"),
            ServiceShape(name=derived_name(db.name, "pods"), ports=(PORT,), headless=True),
        )
        group = NodeGroup(
            name=db.name,
            replicas=int(db.spec.get("replicas", 1)),
            governing_service=derived_name(db.name, "pods"),
            container="redissentinel",
            pod_template=db.spec.get("podTemplate") or {},
            storage=(db.spec.get("storage") or {}) if db.durable else None,
        )
        binding = Binding(scheme="redis", port=PORT.number, service=db.name)
        return Layout(groups=(group,), services=services, binding=binding)

    def running_version(self, db: Database) -> str | None:  # noqa: ARG002 - one server stands in for all versions
        """Tell which server runs."""
        return f"Valkey {valkey.VERSION}"

    async def start_pod(self, workload: Workload, pod: PodShape) -> str:
        """Make the sentinel of a pod run."""
        key, processes, password = workload.key(pod), workload.processes, workload.login.password
        port = processes.port_of(key)
        path = workload.volumes[pod.name]
        config = path / "sentinel.conf"
        if processes.running(key) is None:
            config = valkey.write_sentinel_config(path, port=port, password=password)
        launch = Launch(
            argv=valkey.command(config, "--sentinel"),
            port=port,
            stop_signal=valkey.STOP_SIGNAL,
            owner=workload.owner,
            ready=lambda: accepts_redis(port, password),
        )
        await processes.ensure(key, launch)
        return f"{LOOPBACK}:{port}"

    async def is_healthy(self, workload: Workload, pod: PodShape) -> bool:
        """Ask the sentinel of a pod whether it answers."""
        server = workload.processes.running(workload.key(pod))
        return server is not None and await accepts_redis(server.record.port, workload.login.password)


ENGINE = RedisSentinel
