"""Redis: real Valkey servers for every version, standalone, watched by sentinels, or joined to a cluster.

The sentinels themselves are a kind of their own, in `redissentinel.py`.
"""

from collections.abc import Mapping, Sequence

from devcluster.operator import defaults
from devcluster.operator.database import ROLE_LABEL, Database, derived_name
from devcluster.operator.engine import Engine, Part, Peer, UnsuitableError, Workload
from devcluster.operator.kube import Body
from devcluster.operator.layout import PRIMARY, STANDBY, Binding, Layout, NodeGroup, PodShape, Port, ServiceShape
from devcluster.operator.ports import LOOPBACK, is_free
from devcluster.operator.probes import accepts_redis, ask_redis
from devcluster.operator.processes import Launch, PodKey
from devcluster.operator.servers import valkey, valkey_cluster, valkey_sentinel, valkey_slots
from devcluster.operator.site import Key

PORT = Port(name="primary", number=6379)
SENTINEL = "sentinel"
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

    def parts(self, db: Database) -> Mapping[str, Part]:  # noqa: ARG002 - the same for all
        """Give the node types that an OpsRequest may name."""
        return {
            "redis": Part(container="redis"),
            "coordinator": Part(container="rd-coordinator", volume=()),
        }

    def scale(self, spec: Body, wanted: Body) -> None:
        """Write the wanted members into a spec."""
        if spec.get("mode", "Standalone") == "Standalone":
            raise UnsuitableError("Horizontal scaling is not allowed for standalone Redis")
        if spec["mode"] == "Sentinel":
            spec["replicas"] = int(wanted["replicas"])
            return
        for key in ("shards", "replicas"):
            if wanted.get(key):
                spec["cluster"][key] = int(wanted[key])

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

    def running_version(self, db: Database) -> str | None:  # noqa: ARG002 - one server stands in for all versions
        """Tell which server runs."""
        return f"Valkey {valkey.VERSION}"

    def referred(self, db: Database) -> dict[str, Key]:
        """Give the sentinels that watch the database."""
        reference = db.spec.get("sentinelRef") or {}
        if _mode(db) != "Sentinel" or not reference.get("name"):
            return {}
        return {SENTINEL: ("redissentinels", str(reference.get("namespace") or db.namespace), str(reference["name"]))}

    async def start_pod(self, workload: Workload, pod: PodShape) -> str:
        """Make the server of a pod run, under the primary if it is watched by sentinels."""
        key, processes, password = workload.key(pod), workload.processes, workload.login.password
        port = _usable_port(workload, pod)
        if processes.running(key) is None:
            more = valkey_cluster.directives(port) if _mode(workload.db) == "Cluster" else []
            primary = await _primary(workload) if _mode(workload.db) == "Sentinel" else pod.name
            if primary != pod.name:
                more = [f"replicaof {LOOPBACK} {processes.port_of(PodKey(workload.db.namespace, primary))}"]
            _write_config(workload, pod, port, more)
        launch = Launch(
            argv=valkey.command(valkey.config_file(workload.volumes[pod.name])),
            port=port,
            stop_signal=valkey.STOP_SIGNAL,
            owner=workload.owner,
            ready=lambda: accepts_redis(port, password),
        )
        await processes.ensure(key, launch)
        return f"{LOOPBACK}:{port}"

    async def join(self, workload: Workload) -> None:
        """Join the shards to a cluster, or put the primary under the eyes of its sentinels."""
        password = workload.login.password
        if _mode(workload.db) == "Cluster":
            await valkey_cluster.join(_shards(workload), password)
        elif SENTINEL in workload.peers:
            await _put_under_sentinels(workload)

    async def change_password(self, workload: Workload, password: str) -> None:
        """Change the password in every server, and in the sentinels that watch them."""
        change = [["CONFIG", "SET", name, password] for name in ("masterauth", "requirepass")]
        for pod in workload.layout.pods:
            server = workload.processes.running(workload.key(pod))
            if server is not None and not await accepts_redis(server.record.port, password):
                await ask_redis(server.record.port, workload.login.password, *change)
        if SENTINEL in workload.peers:
            await _sentinels(workload.peers).set_password(_watched_name(workload.db), password)

    async def release(self, workload: Workload, leaving: Sequence[str]) -> None:
        """Move what the leaving servers are responsible for to those that stay."""
        servers = [workload.processes.running(PodKey(workload.db.namespace, name)) for name in leaving]
        ports, password = [server.record.port for server in servers if server is not None], workload.login.password
        if not ports:
            return
        if SENTINEL in workload.peers:
            await _sentinels(workload.peers).hand_over(_watched_name(workload.db), ports, password)
        elif _mode(workload.db) == "Cluster":
            shards = _shards(workload)
            await valkey_slots.spread(shards, password)
            await valkey_slots.forget([port for shard in shards for port in shard], ports, password)

    async def leave(self, db: Database, peers: Mapping[str, Peer]) -> None:
        """Take the database out of the eyes of its sentinels."""
        if SENTINEL in peers:
            await _sentinels(peers).forget(_watched_name(db))

    async def roles(self, workload: Workload) -> dict[str, str]:
        """Ask who is primary now: sentinels and clusters decide that without us."""
        if _mode(workload.db) == "Cluster":
            return await _roles_in_cluster(workload)
        if SENTINEL not in workload.peers:
            return {}
        said = await _sentinels(workload.peers).primary_port(_watched_name(workload.db))
        ports = {pod.name: _port(workload, pod) for pod in workload.layout.pods}
        if said not in ports.values():
            return {}
        for name, port in ports.items():
            valkey.remember_role(workload.volumes[name], is_primary=port == said)
        return {name: PRIMARY if port == said else STANDBY for name, port in ports.items()}

    async def is_healthy(self, workload: Workload, pod: PodShape) -> bool:
        """Ask the server of a pod whether it answers."""
        server = workload.processes.running(workload.key(pod))
        return server is not None and await accepts_redis(server.record.port, workload.login.password)


def _port(workload: Workload, pod: PodShape) -> int:
    return workload.processes.port_of(workload.key(pod))


def _shards(workload: Workload) -> list[list[int]]:
    return [[_port(workload, pod) for pod in group.pods] for group in workload.layout.groups]


def _usable_port(workload: Workload, pod: PodShape) -> int:
    """A node of a cluster needs a second port; when somebody has taken it, another pair is chosen."""
    processes, key = workload.processes, workload.key(pod)
    port = processes.port_of(key)
    while (
        _mode(workload.db) == "Cluster"
        and processes.running(key) is None
        and not is_free(valkey_cluster.bus_port(port))
    ):
        processes.forget(key)
        port = processes.port_of(key)
    return port


def _write_config(workload: Workload, pod: PodShape, port: int, more: Sequence[str]) -> None:
    valkey.write_config(
        workload.volumes[pod.name],
        port=port,
        password=workload.login.password,
        memory_mib=defaults.memory_limit_mib(pod.group.pod_template, "redis"),
        given=workload.config_files.get("redis.conf", ""),
        more=more,
    )


async def _roles_in_cluster(workload: Workload) -> dict[str, str]:
    roles = {}
    for pod in workload.layout.pods:
        primary = await valkey_sentinel.is_primary(_port(workload, pod), workload.login.password)
        if primary is not None:
            roles[pod.name] = PRIMARY if primary else STANDBY
    return roles


async def _put_under_sentinels(workload: Workload) -> None:
    """Once sentinels watch the servers they alone say who follows whom: interfering would break a failover."""
    password, name, sentinels = workload.login.password, _watched_name(workload.db), _sentinels(workload.peers)
    ports = {pod.name: _port(workload, pod) for pod in workload.layout.pods}
    primary = await _primary(workload)
    if await sentinels.primary_port(name) not in ports.values():
        followers = [port for pod, port in ports.items() if pod != primary]
        await valkey_sentinel.follow(followers, ports[primary], password)
    await sentinels.watch(name, ports[primary], password, known=ports.values())


async def _primary(workload: Workload) -> str:
    """Give the pod that is primary, or has to be: whom the sentinels say, else a running one, else who was it last."""
    ports = {_port(workload, pod): pod.name for pod in workload.layout.pods}
    if SENTINEL in workload.peers:
        said = await _sentinels(workload.peers).primary_port(_watched_name(workload.db))
        if said in ports:
            return ports[said]
    for pod in workload.layout.pods:
        server = workload.processes.running(workload.key(pod))
        if server is not None and await valkey_sentinel.is_primary(server.record.port, workload.login.password):
            return pod.name
    last = [name for name, volume in workload.volumes.items() if valkey.was_primary(volume)]
    return min(last, default=workload.layout.pods[0].name)


def _sentinels(peers: Mapping[str, Peer]) -> valkey_sentinel.Sentinels:
    peer = peers[SENTINEL]
    return valkey_sentinel.Sentinels(ports=peer.ports, password=peer.login.password)


def _watched_name(db: Database) -> str:
    return f"{db.namespace}/{db.name}"


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
