"""PostgreSQL: real servers of the installed versions, with streaming standbys.

A database whose catalogue version has another major than any installed server is simulated, and says so. The pods that
only vote (arbiters) have no server either.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from devcluster.operator import defaults
from devcluster.operator.database import ROLE_LABEL, Database, derived_name
from devcluster.operator.engine import Engine, Part, UnsuitableError, Workload
from devcluster.operator.kube import Body
from devcluster.operator.layout import PRIMARY, STANDBY, Binding, Layout, PodShape, Port, ServiceShape
from devcluster.operator.ports import LOOPBACK
from devcluster.operator.postgres_groups import arbiter_group, main_group, read_replica_group
from devcluster.operator.probes import accepts_postgres
from devcluster.operator.processes import Launch, PodKey, ServerError
from devcluster.operator.servers import postgresql, postgresql_running, postgresql_upgrade
from devcluster.operator.servers.postgresql_installed import SERVERS, Installed
from devcluster.operator.servers.postgresql_running import Running

PORT = Port(name="primary", number=5432)
STANDBY_PORT = Port(name="standby", number=5432)
COORDINATOR_PORTS = (Port(name="coordinatclient", number=2379), Port(name="coordinator", number=2380))
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
        groups = [main_group(db, replicas)]
        if replicas % 2 == 0:
            groups.append(arbiter_group(db))
        for wanted in db.spec.get("readReplicas") or []:
            group = read_replica_group(db, wanted)
            groups.append(group)
            services.append(ServiceShape(name=group.name, ports=(STANDBY_PORT,), selector=group.labels))
        query = f"sslmode={db.spec.get('sslMode', 'disable')}"
        binding = Binding(scheme="postgresql", port=PORT.number, service=db.name, path="/", query=query)
        return Layout(groups=tuple(groups), services=tuple(services), binding=binding)

    def running_version(self, db: Database) -> str | None:
        """Tell which server runs; a major that is not installed is simulated."""
        server = SERVERS.get(_major(db))
        return f"PostgreSQL {server.version}" if server is not None else None

    def has_server(self, db: Database, pod: PodShape) -> bool:
        """Tell whether a real server stands behind a pod; arbiters only vote."""
        return self.running_version(db) is not None and pod.group.container == "postgres"

    def scale(self, spec: Body, wanted: Body) -> None:
        """Write the number of replicas, of the database or of a group of read replicas."""
        if wanted.get("replicas"):
            _check_synchronous(spec, int(wanted["replicas"]))
            spec["replicas"] = int(wanted["replicas"])
        # The API server fills in Hot and Asynchronous where nothing was said, so these cannot be a wish.
        if wanted.get("standbyMode") == "Warm" or wanted.get("streamingMode") == "Synchronous":
            spec |= {key: wanted[key] for key in ("standbyMode", "streamingMode") if wanted.get(key)}
        groups = {group["name"]: group for group in spec.get("readReplicas") or []}
        for change in wanted.get("readReplicas") or []:
            given = {key: value for key, value in change.items() if key != "remove"}
            groups[change["name"]] = {**groups.get(change["name"], {}), **given}
            if change.get("remove"):
                del groups[change["name"]]
        if wanted.get("readReplicas"):
            spec["readReplicas"] = list(groups.values())

    async def warm_up(self) -> None:
        """Make the template from which most databases are copied."""
        await self._template(SERVERS[min(SERVERS)]).ready()

    async def start_pod(self, workload: Workload, pod: PodShape) -> str:
        """Make the server of a pod run: the first pod is the primary, the others follow it."""
        key, processes, server = workload.key(pod), workload.processes, _server(workload)
        volume, port = workload.volumes[pod.name], processes.port_of(key)
        if processes.running(key) is None:
            await self._make_volume(workload, pod)
        launch = Launch(
            argv=postgresql.command(server, volume, port),
            port=port,
            stop_signal=postgresql.STOP_SIGNAL,
            owner=workload.owner,
            ready=lambda: accepts_postgres(port),
        )
        await processes.ensure(key, launch)
        await postgresql_upgrade.forget_replaced(volume)
        return f"{LOOPBACK}:{port}"

    async def _make_volume(self, workload: Workload, pod: PodShape) -> None:
        volume, login, server = workload.volumes[pod.name], workload.login, _server(workload)
        if workload.key(pod) == _primary(workload):
            template = self._template(server)
            await postgresql_upgrade.fit_primary(volume, server, template)
            await postgresql.create_primary(volume, template)
            _write_settings(workload, pod)
            await postgresql.apply_password(server, volume, login.username, login.password)
        else:
            await postgresql_upgrade.fit_standby(volume, server)
            port = workload.processes.port_of(_primary(workload))
            await postgresql.create_standby(
                server, volume, primary_port=port, username=login.username, password=login.password
            )
            _write_settings(workload, pod)

    async def is_healthy(self, workload: Workload, pod: PodShape) -> bool:
        """Ask the server of a pod whether it takes connections."""
        server = workload.processes.running(workload.key(pod))
        return server is not None and await accepts_postgres(server.record.port)

    async def restart_order(self, workload: Workload, pods: Sequence[PodShape]) -> list[PodShape]:
        """The primary goes first when standbys would refuse to start before it: another major, or lower limits."""
        primary = next((pod for pod in pods if workload.key(pod) == _primary(workload)), None)
        asked = _running(workload, primary)
        if primary is None or asked is None or not self.has_server(workload.db, primary):
            return list(pods)
        volume = workload.volumes[primary.name]
        first = postgresql_upgrade.major_of(volume) != _major(workload.db)
        if not first:
            settings = _settings(workload, primary)
            first = postgresql_running.lowered(await asked.limits(), settings)
        others = [pod for pod in pods if pod is not primary]
        return [primary, *others] if first else [*others, primary]

    async def before_restart(self, workload: Workload, pod: PodShape) -> None:
        """Let a standby catch up first: it may start only with limits that it knows its primary to have."""
        primary, standby = _running(workload, workload.layout.pods[0]), _running(workload, pod)
        if primary is None or standby is None or primary.port == standby.port:
            return
        if postgresql_upgrade.major_of(workload.volumes[pod.name]) != _major(workload.db):
            return
        with contextlib.suppress(ServerError):
            await postgresql_running.wait_for_replay(primary, standby)

    async def refresh(self, workload: Workload) -> None:
        """Write the settings of running servers again, and make them read what changed."""
        for pod in workload.layout.pods:
            process, asked = workload.processes.running(workload.key(pod)), _running(workload, pod)
            if process is not None and asked is not None and _write_settings(workload, pod):
                await asked.reload(process.pid)

    async def needs_restart(self, workload: Workload) -> bool:
        """Ask the primary whether a setting waits for a restart, or is wrong, which a restart tells best."""
        asked = _running(workload, workload.layout.pods[0])
        return asked is None or await asked.has_unapplied_settings()

    async def change_password(self, workload: Workload, password: str) -> None:
        """Change the password in the primary, from where standbys take it."""
        asked = _running(workload, workload.layout.pods[0])
        if asked is not None and not await replace(asked, password=password).lets_in():
            await asked.set_password(workload.volumes[workload.layout.pods[0].name], password)

    async def can_go_back(self, workload: Workload, before: Database) -> bool:
        """Once the primary has answered with another major its old data is gone, as clients have written since."""
        volume = workload.volumes.get(workload.layout.pods[0].name)
        if volume is None or _major(before) == _major(workload.db):
            return True
        moved = postgresql_upgrade.major_of(volume) == _major(workload.db)
        return not moved or not postgresql_upgrade.is_settled(volume)

    def _template(self, server: Installed) -> postgresql.Template:
        return self._templates.setdefault(server.major, postgresql.Template(self.root, server))

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._templates: dict[int, postgresql.Template] = {}


def _check_synchronous(spec: Body, replicas: int) -> None:
    needed = int((spec.get("synchronousReplicationConfig") or {}).get("numSyncReplicas", 0))
    if needed >= replicas:
        raise UnsuitableError(f"Each commit waits for {needed} standbys, so there must be more than {needed} replicas")


def _server(workload: Workload) -> Installed:
    return SERVERS[_major(workload.db)]


def _primary(workload: Workload) -> PodKey:
    return PodKey(workload.db.namespace, f"{workload.db.name}-0")


def _running(workload: Workload, pod: PodShape | None) -> Running | None:
    """Give how to talk to the server of a pod; None when it does not run."""
    process = workload.processes.running(workload.key(pod)) if pod is not None else None
    server = SERVERS.get(_major(workload.db))
    if process is None or server is None:
        return None
    login = workload.login
    return Running(server=server, port=process.record.port, username=login.username, password=login.password)


def _major(db: Database) -> int:
    return int(db.engine_version.split(".", maxsplit=1)[0])


def _write_settings(workload: Workload, pod: PodShape) -> bool:
    return postgresql.write_settings(workload.volumes[pod.name], _settings(workload, pod))


def _settings(workload: Workload, pod: PodShape) -> str:
    upstream, login = "", workload.login
    if workload.key(pod) != _primary(workload):
        port = workload.processes.port_of(_primary(workload))
        upstream = postgresql.upstream_text(
            port=port, username=login.username, password=login.password, application=pod.name
        )
    return postgresql.settings_text(
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
