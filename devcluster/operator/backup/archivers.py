"""Archivers: databases that can be brought back to any moment of a window.

For each database that joins one there is a BackupConfiguration that makes full backups, a sidekick pod that stands for
the shipping of logs, and, in the newest full snapshot, how far the logs reach. `wal.py` does the shipping.
"""

from datetime import UTC, datetime, timedelta

from devcluster.operator.backup import storages, wal
from devcluster.operator.backup.bodies import Place, annotation, is_leaving, phase_of, place_of, referred, status_of
from devcluster.operator.backup.durations import read_time
from devcluster.operator.backup.kinds import (
    ARCHIVERS,
    CONFIGURATIONS,
    LOGS_ANNOTATION,
    REPOSITORIES,
    SNAPSHOTS,
    STORAGES,
)
from devcluster.operator.backup.repositories import snapshots_of
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.targets import UNDECIDED_VERSION, Target
from devcluster.operator.database import Database, derived_name
from devcluster.operator.kube import Body, ConflictError
from devcluster.operator.phases import Phase, timestamp
from devcluster.operator.resources import PODS
from devcluster.operator.site import Key

LOOK_SECONDS = 3.0
ADDONS = {"Postgres": "postgres-addon", "MySQL": "mysql-addon", "MongoDB": "mongodb-addon"}


class Archivers:
    """All databases whose logs this operator keeps."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._shippers: dict[Key, wal.Shipper] = {}

    async def reconcile(self, key: Key) -> float | None:
        """Bring what the archiver of a database makes to what it says, and see how far the logs reach."""
        scene, engine = self._scene, self._scene.engines[key[0]]
        body = await scene.site.kube.find(engine.resource, key[1], key[2])
        if body is None or is_leaving(body):
            self._shippers.pop(key, None)
            return None
        db = Database(resource=engine.resource, body=body, version=UNDECIDED_VERSION)
        target = Target(engine=engine, db=db)
        archiver = await self._archiver(target)
        if archiver is None:
            await self._leave(key, target)
            return None
        if target.phase in {Phase.EMPTY, Phase.PROVISIONING, Phase.DATA_RESTORING} or db.spec.get("halted"):
            return LOOK_SECONDS
        configuration = await self._configure(target, archiver)
        await self._make_sidekick(target)
        await self._follow_logs(key, target, configuration)
        return LOOK_SECONDS

    async def _archiver(self, target: Target) -> Body | None:
        """Find the archiver that covers a database; None when none does, or it is paused."""
        wanted, db = target.db.spec.get("archiver") or {}, target.db
        archiver = await self._scene.find(ARCHIVERS[target.engine.kind], referred(wanted.get("ref"), db.namespace))
        if archiver is None or wanted.get("pause") or archiver["spec"].get("pause"):
            return None
        databases = archiver["spec"].get("databases") or {}
        selected = (databases.get("selector") or {}).get("matchLabels") or {}
        labels = db.body["metadata"].get("labels") or {}
        policy = {"allowedNamespaces": databases.get("namespaces") or {}}
        allowed = await storages.allows(self._scene, policy, place_of(archiver).namespace, db.namespace)
        return archiver if allowed and selected.items() <= labels.items() else None

    async def _leave(self, key: Key, target: Target) -> None:
        """What was backed up stays; no more is added."""
        scene, place = self._scene, Place(target.db.namespace, configuration_name(target))
        shipper = self._shippers.pop(key, None)
        configuration = await scene.find(CONFIGURATIONS, place)
        if configuration is None:
            return
        if not configuration["spec"].get("paused"):
            await scene.site.kube.patch(CONFIGURATIONS, *place, {"spec": {"paused": True}})
        await scene.site.kube.delete(PODS, place.namespace, derived_name(target.db.name, "sidekick"))
        if not target.is_simulated and not target.db.spec.get("halted"):
            await (shipper or wal.Shipper(scene, target)).stop()

    async def _configure(self, target: Target, archiver: Body) -> Body:
        scene, wanted = self._scene, _configuration(target, archiver)
        place = place_of(wanted)
        found = await scene.find(CONFIGURATIONS, place)
        if found is None:
            try:
                return await scene.site.kube.create(CONFIGURATIONS, wanted)
            except ConflictError:
                return await scene.site.kube.get(CONFIGURATIONS, *place)
        if any(found["spec"].get(name) != value for name, value in wanted["spec"].items() if name != "sessions"):
            return await scene.site.kube.patch(CONFIGURATIONS, *place, {"spec": wanted["spec"]})
        return found

    async def _make_sidekick(self, target: Target) -> None:
        db, name = target.db, derived_name(target.db.name, "sidekick")
        if await self._scene.site.kube.find(PODS, db.namespace, name) is not None:
            return
        labels = {"app.kubernetes.io/name": "sidekicks.apps.k8s.appscode.com", "app.kubernetes.io/instance": name}
        pod: Body = {
            "metadata": {
                "name": name,
                "namespace": db.namespace,
                "labels": labels,
                "ownerReferences": [db.owner_reference],
            },
            "spec": {"containers": [{"name": "wal-g", "image": f"{target.engine.kind.lower()}-archiver"}]},
        }
        try:
            await self._scene.site.kube.create(PODS, pod)
        except ConflictError:
            return
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": timestamp()}
        await self._scene.site.kube.patch_status(
            PODS, db.namespace, name, {"status": {"phase": "Running", "conditions": [ready]}}
        )

    async def _follow_logs(self, key: Key, target: Target, configuration: Body) -> None:
        """Ship the logs, and write into the newest full snapshot how far they reach."""
        scene = self._scene
        repository = await scene.find(REPOSITORIES, Place(target.db.namespace, f"{target.db.name}-full"))
        storage_ref = configuration["spec"]["backends"][0]["storageRef"]
        storage = await scene.find(STORAGES, referred(storage_ref, target.db.namespace))
        if repository is None or storage is None:
            return
        reach, logs = datetime.now(UTC), ""
        if not target.is_simulated and target.engine.plural == wal.PLURAL:
            directory = storages.directory_of(scene, storage, str(repository["spec"].get("path", "")))
            shipper = self._shippers.setdefault(key, wal.Shipper(scene, target))
            logs = await shipper.start(directory)
            found = await shipper.reach()
            if found is None:
                return
            reach = found
        full = [one for one in await snapshots_of(scene, place_of(repository)) if phase_of(one) == "Succeeded"]
        if full:
            await self._write_reach(full[-1], reach, logs)
            if logs:
                began = read_time(full[0]["metadata"]["creationTimestamp"])
                wal.forget_older(scene.vault.path(logs), began)

    async def _write_reach(self, snapshot: Body, reach: datetime, logs: str) -> None:
        if logs and not annotation(snapshot, LOGS_ANNOTATION):
            meta = {"annotations": {LOGS_ANNOTATION: logs}}
            await self._scene.site.kube.patch(SNAPSHOTS, *place_of(snapshot), {"metadata": meta})
        # The files are whole at some moment of the second that the snapshot names.
        start = read_time(status_of(snapshot)["snapshotTime"]) + timedelta(seconds=1)
        if reach < start:
            return
        stats = {"start": timestamp(start), "end": timestamp(reach)}
        component = {"driver": "WalG", "phase": "Running", "integrity": True, "logStats": stats}
        patch = {"status": {"components": {"wal": component}, "lastUpdateTime": timestamp()}}
        await self._scene.site.kube.patch_status(SNAPSHOTS, *place_of(snapshot), patch)


def configuration_name(target: Target) -> str:
    """Name the configuration that an archiver makes for a database."""
    return derived_name(target.db.name, "backup" if target.engine.kind == "MongoDB" else "backup-config")


def _configuration(target: Target, archiver: Body) -> Body:
    spec, db = archiver["spec"], target.db
    home = archiver["metadata"]["namespace"]
    storage = referred((spec.get("backupStorage") or {}).get("ref"), home) or Place(home, "")
    policy = referred(spec.get("retentionPolicy"), home)
    backend: Body = {"name": "archiver", "storageRef": storage._asdict()}
    if policy is not None:
        backend["retentionPolicy"] = policy._asdict()
    parts = (("full", "physical-backup", "fullBackup"), ("manifest", "manifest-backup", "manifestBackup"))
    return {
        "metadata": {
            "name": configuration_name(target),
            "namespace": db.namespace,
            "ownerReferences": [db.owner_reference],
        },
        "spec": {
            "target": target.reference,
            "backends": [backend],
            "paused": False,
            "sessions": [_session(target, archiver, *part) for part in parts if spec.get(part[2])],
        },
    }


def _session(target: Target, archiver: Body, name: str, task: str, section: str) -> Body:
    spec, db = archiver["spec"], target.db
    wanted = spec[section]
    subfolder = str((spec.get("backupStorage") or {}).get("subDir") or "")
    secret = referred(spec.get("encryptionSecret"), archiver["metadata"]["namespace"])
    repository: Body = {
        "name": f"{db.name}-{name}",
        "backend": "archiver",
        "directory": "/".join(part for part in (subfolder, db.namespace, db.name, db.uid[:8], name) if part),
        "deletionPolicy": spec.get("deletionPolicy", "Delete"),
    }
    if secret is not None:
        repository["encryptionSecret"] = secret._asdict()
    session: Body = {
        "name": f"{name}-backup",
        "scheduler": {"jobTemplate": {}, **(wanted.get("scheduler") or {})},
        "sessionHistoryLimit": int(wanted.get("sessionHistoryLimit") or 1),
        "repositories": [repository],
        "addon": {"name": ADDONS[target.engine.kind], "tasks": [{"name": task}]},
    }
    if wanted.get("timeout"):
        session["backupTimeout"] = wanted["timeout"]
    if wanted.get("retryConfig"):
        session["retryConfig"] = wanted["retryConfig"]
    return session
