"""Fills a new database from a full snapshot and the logs after it, up to a moment: point-in-time recovery.

It happens before the first server of the database starts. What was replayed becomes the volume of the first pod in one
rename, so an attempt that was cut off leaves nothing behind that looks whole.
"""

import asyncio
import gzip
import shutil
import tarfile
from datetime import datetime
from pathlib import Path

from devcluster.operator.backup import snapshots, wal
from devcluster.operator.backup.bodies import annotation, phase_of, referred, status_of
from devcluster.operator.backup.durations import read_time
from devcluster.operator.backup.initial import mark_restored, mark_restoring
from devcluster.operator.backup.kinds import CHECKSUM_ANNOTATION, LOGS_ANNOTATION, REPOSITORIES
from devcluster.operator.backup.repositories import snapshots_of
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.targets import Target
from devcluster.operator.backup.vault import DamagedBackupError, Folder
from devcluster.operator.database import derived_name
from devcluster.operator.engine import Engine, Workload
from devcluster.operator.kube import Body
from devcluster.operator.phases import Type
from devcluster.operator.phases import status_of as condition_status
from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import accepts_postgres
from devcluster.operator.processes import Launch, PodKey, ServerError
from devcluster.operator.servers import postgresql
from devcluster.operator.servers.postgresql_installed import SERVERS
from devcluster.operator.site import NotYetError

REPLAY_SECONDS = 3600.0
STOP_SECONDS = 20.0
SIMULATED_SECONDS = 0.8
NOTHING_LATER = "recovery ended before configured recovery target was reached"
ORIGIN = "The archive"


async def fill(scene: Scene, engine: Engine, workload: Workload) -> None:
    """Fill the database if it asks for it and is not filled yet. Raises: NotYetError — it cannot be, for now."""
    initial = workload.db.spec.get("init") or {}
    wanted = initial.get("archiver") or {}
    conditions = status_of(workload.db.body).get("conditions") or []
    if not wanted or initial.get("initialized") or condition_status(conditions, Type.DATA_RESTORED):
        return
    target = Target(engine=engine, db=workload.db)
    try:
        moment = _moment(wanted)
        snapshot = await _snapshot(scene, wanted, moment, workload.db.namespace)
        await mark_restoring(scene, target, ORIGIN)
        target = await _again(scene, target)
        await _replay(scene, target, workload, snapshot, moment)
    except (NotYetError, ServerError, DamagedBackupError, OSError) as error:
        if condition_status(conditions, Type.DATA_RESTORED) is None:
            await mark_restored(scene, await _again(scene, target), ORIGIN, error=str(error), began=False)
        raise NotYetError(str(error)) from error
    await mark_restored(scene, target, ORIGIN, error="")


async def _again(scene: Scene, target: Target) -> Target:
    """Read the database again: its conditions have changed."""
    db = target.db
    body = await scene.site.kube.get(target.engine.resource, db.namespace, db.name)
    return Target(engine=target.engine, db=type(db)(resource=db.resource, body=body, version=db.version))


def _moment(wanted: Body) -> datetime:
    try:
        return read_time(str(wanted.get("recoveryTimestamp")))
    except ValueError as error:
        raise NotYetError(f"recoveryTimestamp cannot be read: {error}") from error


async def _snapshot(scene: Scene, wanted: Body, moment: datetime, namespace: str) -> Body:
    """Choose the last full snapshot that is not later than the moment."""
    place = referred(wanted.get("fullDBRepository"), namespace)
    if place is None or await scene.find(REPOSITORIES, place) is None:
        raise NotYetError(f"Repository {place.name if place else ''} with the full backups is not found.")
    windows = []
    for one in await snapshots_of(scene, place):
        stats = ((status_of(one).get("components") or {}).get("wal") or {}).get("logStats") or {}
        if phase_of(one) == "Succeeded" and stats.get("start") and stats.get("end"):
            windows.append((read_time(stats["start"]), read_time(stats["end"]), one))
    if not windows:
        raise NotYetError(f"Repository {place.name} has no full backup with logs yet.")
    first, last = windows[0][0], max(end for _, end, _ in windows)
    if not first <= moment <= last:
        raise NotYetError(
            f"{moment:%Y-%m-%dT%H:%M:%SZ} is outside of the window that can be restored:"
            f" {first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}."
        )
    return [one for start, _, one in windows if start <= moment][-1]


async def _replay(scene: Scene, target: Target, workload: Workload, snapshot: Body, moment: datetime) -> None:
    folder = snapshots.folder_of(scene, snapshot)
    if folder is None:
        raise NotYetError(f"Snapshot {snapshot['metadata']['name']} does not say where its files are.")
    if target.is_simulated or target.engine.plural != wal.PLURAL:
        await asyncio.sleep(SIMULATED_SECONDS)
        return
    volume = workload.volumes[f"{workload.db.name}-0"]
    if postgresql.data_folder(volume).exists():
        return
    await folder.verify(annotation(snapshot, CHECKSUM_ANNOTATION))
    key = PodKey(workload.db.namespace, derived_name(workload.db.name, "recovery"))
    await workload.processes.stop(key, grace_seconds=STOP_SECONDS)
    workload.processes.forget(key)
    fresh = await postgresql.fresh_folder(volume)
    logs = scene.vault.path(annotation(snapshot, LOGS_ANNOTATION))
    await asyncio.to_thread(_unpack, folder, fresh)
    try:
        until = {
            "recovery_target_time": moment.strftime("%Y-%m-%d %H:%M:%S.%f+00"),
            "recovery_target_action": "promote",
        }
        try:
            await _run(workload, key, fresh, logs, until)
        except ServerError as error:
            said = (workload.processes.folder(key) / "server.log").read_text(errors="replace")
            if NOTHING_LATER not in said:
                raise ServerError(_reason(said) or str(error)) from error
            # Nothing was committed after the moment, which the window covers: all that there is belongs to it.
            await _run(workload, key, fresh, logs, {})
    finally:
        await workload.processes.stop(key, grace_seconds=STOP_SECONDS)
        workload.processes.forget(key)
    fresh.replace(postgresql.data_folder(volume))


async def _run(workload: Workload, key: PodKey, fresh: Path, logs: Path, until: dict[str, str]) -> None:
    """Run a passing server on the files until it has replayed the logs and takes connections."""
    port = workload.processes.port_of(key)
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "logging_collector": "off",
        # A replay needs none of the limits that the first server had.
        "hot_standby": "off",
        "archive_mode": "off",
        "synchronous_standby_names": "",
        "restore_command": wal.fetching(logs),
        **until,
    }
    server = SERVERS[int(workload.db.engine_version.partition(".")[0])]
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    launch = Launch(
        argv=[*postgresql.ORDINARY_USER, server.tool("postgres"), "-D", str(fresh), *options],
        port=port,
        stop_signal=postgresql.STOP_SIGNAL,
        owner=workload.owner,
        ready=lambda: accepts_postgres(port),
        within_seconds=REPLAY_SECONDS,
    )
    await workload.processes.ensure(key, launch)


def _reason(log: str) -> str:
    """Give the server's own words for why it gave up."""
    return "; ".join(line.partition("FATAL:  ")[2] for line in log.splitlines() if "FATAL:  " in line)[:300]


def _unpack(folder: Folder, fresh: Path) -> None:
    with gzip.open(folder.path / "physical.gz") as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
        archive.extractall(fresh, filter="data")
    for name in ("postmaster.pid", "postmaster.opts"):
        (fresh / name).unlink(missing_ok=True)
    for name in ("pg_replslot", "pg_stat_tmp"):
        shutil.rmtree(fresh / name, ignore_errors=True)
        (fresh / name).mkdir(mode=0o700)
    fresh.chmod(0o700)
    (fresh / "recovery.signal").touch()
