"""PostgreSQL: real servers of the installed version, with streaming standbys.

A database whose catalogue version has another major than the installed server is simulated, and says so. The pods that
only vote (arbiters) have no server either.
"""

import copy
from collections.abc import Mapping

from devcluster.operator import defaults
from devcluster.operator.database import ROLE_LABEL, Database, derived_name
from devcluster.operator.engine import Engine, Part, Workload
from devcluster.operator.kube import Body
from devcluster.operator.layout import PRIMARY, STANDBY, Binding, Layout, NodeGroup, PodShape, Port, ServiceShape
from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import accepts_postgres
from devcluster.operator.processes import Launch, PodKey
from devcluster.operator.servers import postgresql

PORT = Port(name="primary", number=5432)
STANDBY_PORT = Port(name="standby", number=5432)
COORDINATOR_PORTS = (Port(name="coordinatclient", number=2379), Port(name="coordinator", number=2380))
READ_REPLICA_LABEL = "kubedb.com/read-replica-group"
SIMULATED_START_SECONDS = 1.0
STOP_SECONDS = 8.0
FIRST_SCRAM_MAJOR = 18
FIRST_WAL_KEEP_SIZE_MAJOR = 13


class Postgres(Engine):
    """The kind Postgres."""

    kind = "Postgres"
    plural = "postgreses"
    simulated_start_seconds = SIMULATED_START_SECONDS

    def username(self, db: Database) -> str:  # noqa: ARG002 - the same for all
        """Give the name of the administrator."""
        return "postgres"

    def defaults(self, db: Database) -> Body:
        """Give the spec with all defaults filled in."""
        spec = defaults.common(db.spec, db.name)
        spec.setdefault("replicas", 1)
        spec.setdefault("standbyMode", "Hot")
        spec.setdefault("streamingMode", "Asynchronous")
        spec.setdefault("clientAuthMode", "scram" if _major(db) >= FIRST_SCRAM_MAJOR else "md5")
        spec.setdefault("sslMode", "verify-full" if spec.get("tls") else "disable")
        replication = spec.setdefault("replication", {})
        by_size = _major(db) >= FIRST_WAL_KEEP_SIZE_MAJOR
        replication.setdefault("walLimitPolicy", "WALKeepSize" if by_size else "WALKeepSegment")
        containers = {"postgres": defaults.MAIN, "pg-coordinator": defaults.COORDINATOR}
        spec["podTemplate"] = defaults.pod_template(spec.get("podTemplate"), db.name, containers)
        return spec

    def parts(self, db: Database) -> Mapping[str, Part]:  # noqa: ARG002 - the same for all
        """Give the node types that an OpsRequest may name."""
        return {
            "postgres": Part(container="postgres"),
            "coordinator": Part(container="pg-coordinator", volume=()),
            "arbiter": Part(path=("arbiter",), container="", volume=("resources", "requests")),
        }

    def layout(self, db: Database) -> Layout:
        """Describe all that is made for a database."""
        replicas = int(db.spec.get("replicas", 1))
        services = [
            ServiceShape(
                name=db.name, ports=(PORT, COORDINATOR_PORTS[0]), selector={ROLE_LABEL: PRIMARY}, alias="primary"
            ),
            ServiceShape(name=derived_name(db.name, "pods"), ports=(PORT, *COORDINATOR_PORTS), headless=True),
        ]
        if replicas > 1:
            name = derived_name(db.name, "standby")
            services.append(
                ServiceShape(name=name, ports=(STANDBY_PORT,), selector={ROLE_LABEL: STANDBY}, alias="standby")
            )
        groups = [_main_group(db, replicas)]
        if replicas % 2 == 0:
            groups.append(_arbiter_group(db))
        for wanted in db.spec.get("readReplicas") or []:
            group = _read_replica_group(db, wanted)
            groups.append(group)
            services.append(ServiceShape(name=group.name, ports=(STANDBY_PORT,), selector=group.labels))
        query = f"sslmode={db.spec.get('sslMode', 'disable')}"
        binding = Binding(scheme="postgresql", port=PORT.number, service=db.name, path="/", query=query)
        return Layout(groups=tuple(groups), services=tuple(services), binding=binding)

    def running_version(self, db: Database) -> str | None:
        """Tell which server runs; another major than the installed one is simulated."""
        same_major = str(_major(db)) == postgresql.MAJOR
        return f"PostgreSQL {postgresql.VERSION}" if same_major else None

    def has_server(self, db: Database, pod: PodShape) -> bool:
        """Tell whether a real server stands behind a pod; arbiters only vote."""
        return self.running_version(db) is not None and pod.group.container == "postgres"

    async def warm_up(self) -> None:
        """Make the template from which databases are copied."""
        await self._template.ready()

    async def start_pod(self, workload: Workload, pod: PodShape) -> str:
        """Make the server of a pod run: the first pod is the primary, the others follow it."""
        key, login, processes = workload.key(pod), workload.login, workload.processes
        primary = PodKey(workload.db.namespace, f"{workload.db.name}-0")
        port = processes.port_of(key)
        if processes.running(key) is None:
            volume = workload.volumes[pod.name]
            if key == primary:
                await postgresql.create_primary(volume, self._template)
                _write_settings(workload, pod, upstream="")
                await postgresql.apply_password(volume, login.username, login.password)
            else:
                upstream = processes.port_of(primary)
                await postgresql.create_standby(
                    volume, primary_port=upstream, username=login.username, password=login.password
                )
                text = postgresql.upstream_text(
                    port=upstream, username=login.username, password=login.password, application=pod.name
                )
                _write_settings(workload, pod, upstream=text)
        launch = Launch(
            argv=postgresql.command(workload.volumes[pod.name], port),
            port=port,
            stop_signal=postgresql.STOP_SIGNAL,
            owner=workload.owner,
            ready=lambda: accepts_postgres(port),
        )
        await processes.ensure(key, launch)
        return f"{LOOPBACK}:{port}"

    async def is_healthy(self, workload: Workload, pod: PodShape) -> bool:
        """Ask the server of a pod whether it takes connections."""
        server = workload.processes.running(workload.key(pod))
        return server is not None and await accepts_postgres(server.record.port)

    @property
    def _template(self) -> postgresql.Template:
        if self._made_template is None:
            self._made_template = postgresql.Template(self.root)
        return self._made_template

    _made_template: postgresql.Template | None = None


def _major(db: Database) -> int:
    return int(db.engine_version.split(".", maxsplit=1)[0])


def _storage(db: Database, given: Body | None) -> Body | None:
    return (given or {}) if db.durable else None


def _main_group(db: Database, replicas: int) -> NodeGroup:
    return NodeGroup(
        name=db.name,
        replicas=replicas,
        governing_service=derived_name(db.name, "pods"),
        container="postgres",
        pod_template=db.spec.get("podTemplate") or {},
        storage=_storage(db, db.spec.get("storage")),
        first_pod_labels={ROLE_LABEL: PRIMARY},
        other_pods_labels={ROLE_LABEL: STANDBY},
    )


def _arbiter_group(db: Database) -> NodeGroup:
    """The size of its volume stands among its resources, where the container takes the others from."""
    resources = copy.deepcopy((db.spec.get("arbiter") or {}).get("resources") or {})
    size = (resources.get("requests") or {}).pop("storage", "2Gi")
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    given = {"spec": {"containers": [{"name": "pg-coordinator", "resources": resources}]}}
    return NodeGroup(
        name=derived_name(db.name, "arbiter"),
        replicas=1,
        governing_service=derived_name(db.name, "pods"),
        container="pg-coordinator",
        pod_template=defaults.pod_template(given, db.name, {"pg-coordinator": defaults.COORDINATOR}),
        storage=storage if db.durable else None,
        first_pod_labels={ROLE_LABEL: "arbiter"},
    )


def _read_replica_group(db: Database, wanted: Body) -> NodeGroup:
    labels = {READ_REPLICA_LABEL: str(wanted["name"])}
    return NodeGroup(
        name=derived_name(db.name, f"rr-{wanted['name']}"),
        replicas=int(wanted.get("replicas", 1)),
        governing_service=derived_name(db.name, "pods"),
        container="postgres",
        pod_template=db.spec.get("podTemplate") or {},
        storage=_storage(db, wanted.get("storage") or db.spec.get("storage")),
        labels={**labels, ROLE_LABEL: "read-replica"},
    )


def _write_settings(workload: Workload, pod: PodShape, *, upstream: str) -> None:
    postgresql.write_settings(
        workload.volumes[pod.name],
        memory_mib=defaults.memory_limit_mib(pod.group.pod_template, "postgres"),
        given=workload.config_files.get("user.conf", ""),
        synchronous="" if upstream else _synchronous(workload),
        upstream=upstream,
    )


def _synchronous(workload: Workload) -> str:
    """Standbys are named after their pods."""
    spec = workload.db.spec
    standbys = [f'"{workload.db.name}-{ordinal}"' for ordinal in range(1, int(spec.get("replicas", 1)))]
    if spec.get("streamingMode") != "Synchronous" or not standbys:
        return ""
    wanted = spec.get("synchronousReplicationConfig") or {}
    mode = "FIRST" if wanted.get("mode") == "First" else "ANY"
    return f"{mode} {wanted.get('numSyncReplicas', 1)} ({', '.join(standbys)})"


ENGINE = Postgres
