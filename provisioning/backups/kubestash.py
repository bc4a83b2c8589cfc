"""Backups by KubeStash. Source: kubestash/apimachinery apis/core, apis/storage, apis/addons (v1alpha1).

A database has one BackupConfiguration with two sessions: `manual`, which never runs by itself, and `scheduled`. Each keeps its copies in a
repository of its own, so that what retention takes from the schedule it never takes from what somebody asked for. Retention counts copies
and days with copies, and never ages them: however long nothing succeeds, the last good copies stay.
"""

from datetime import datetime
from typing import Any

from provisioning.backups.driver import BackupDriver, Outcome, Progress, Seen, Window, described, phase_of
from provisioning.backups.kubestash_snapshots import APP, OUTCOMES, is_of_our_sessions, log_ends, seen_in, taken_at
from provisioning.backups.schedules import in_utc
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import REPOSITORY, SNAPSHOT, Ref, kind_of
from provisioning.engine import Body, Engine
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation
from provisioning.observations import last_message

_CORE, _STORAGE = "core.kubestash.com/v1alpha1", "storage.kubestash.com/v1alpha1"
_ARCHIVED = "archiver"
"""Label by which an archiver finds its databases; the cluster's administrator chose it. See docs/running.md."""
_NEVER = "0 0 1 1 *"
"""A suspended session needs a schedule too."""
_ALL = 10_000
_ARCHIVE = ("full", "manifest")
"""What the archiver calls its repositories, after the database's name."""


class KubeStash(BackupDriver):
    """The driver."""

    name = "kubestash"

    def configuration(
        self, database: Database, engine: Engine, operation: Operation, policy: BackupPolicy | None
    ) -> list[Body]:
        """Return the retention policies and the BackupConfiguration."""
        cluster = database.cluster
        sessions = [self._session(database, engine, "manual", _NEVER, is_suspended=True)]
        backends = [_backend(database, cluster, "manual")]
        bodies = [_retention(database, operation, "manual", {"last": _ALL})]
        if policy is not None:
            cron = in_utc(policy.schedule, policy.time_zone)
            sessions.append(self._session(database, engine, "scheduled", cron, is_suspended=policy.is_paused))
            backends.append(_backend(database, cluster, "scheduled"))
            bodies.append(_retention(database, operation, "scheduled", _kept(policy)))
        target = {
            "apiGroup": "kubedb.com",
            "kind": engine.kind,
            "namespace": database.namespace,
            "name": database.object_name,
        }
        spec = {
            "target": target,
            "backends": backends,
            "sessions": sessions,
            "paused": False,
        }
        configuration = {
            "apiVersion": _CORE,
            "kind": "BackupConfiguration",
            "metadata": described(database, operation, _configuration_name(database)),
            "spec": spec,
        }
        return [*bodies, configuration]

    def configuration_ref(self, database: Database) -> Ref:
        """Return the address of the BackupConfiguration."""
        kind = kind_of(_CORE, "BackupConfiguration")
        return Ref(kind=kind, name=_configuration_name(database), namespace=database.namespace)

    def configurations(self, database: Database) -> list[Ref]:
        """Return the BackupConfiguration: it holds both sessions."""
        return [self.configuration_ref(database)]

    def is_configured(self, body: Body) -> bool:
        """Tell whether KubeStash reports it as ready."""
        return phase_of(body) == "Ready"

    def session(self, database: Database, operation: Operation, name: str, configuration: Body) -> Body:
        """Return a BackupSession as `kubectl kubestash trigger` makes it."""
        owner = configuration["metadata"]
        metadata = described(database, operation, name)
        metadata["ownerReferences"] = [
            {
                "apiVersion": _CORE,
                "kind": "BackupConfiguration",
                "name": owner["name"],
                "uid": owner["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
        invoker = {"apiGroup": "core.kubestash.com", "kind": "BackupConfiguration", "name": owner["name"]}
        spec = {"invoker": invoker, "session": "manual", "retryLeft": 0, "backupTimeout": "2h"}
        return {"apiVersion": _CORE, "kind": "BackupSession", "metadata": metadata, "spec": spec}

    def restoration(self, database: Database, engine: Engine, operation: Operation, backup: Backup) -> Body:
        """Return a RestoreSession."""
        source = {"repository": backup.repository, "snapshot": backup.snapshot, **_encryption(backup.cluster)}
        if backup.namespace != database.namespace:
            source["namespace"] = backup.namespace
        target = {
            "apiGroup": "kubedb.com",
            "kind": engine.kind,
            "namespace": database.namespace,
            "name": database.object_name,
        }
        addon = {"name": _addon(database, engine), "tasks": [{"name": "logical-backup-restore"}]}
        return {
            "apiVersion": _CORE,
            "kind": "RestoreSession",
            "metadata": described(database, operation, f"{engine.short_name}-rs-{operation.id.hex}"),
            "spec": {"target": target, "dataSource": source, "restoreTimeout": "4h", "addon": addon},
        }

    def progress(self, body: Body) -> Progress:
        """Read the phase, and what the condition that changed last says; a failed component says it best."""
        outcome = OUTCOMES.get(phase_of(body), Outcome.RUNNING)
        components = ((body.get("status") or {}).get("components") or {}).values()
        errors = [str(component["error"]) for component in components if component.get("error")]
        ended = sum(component.get("phase") == "Succeeded" for component in components)
        said = errors[0] if errors else last_message(body)
        fallback = f"KubeStash reports {phase_of(body) or 'nothing yet'}."
        return Progress(
            outcome=outcome, message=(said or fallback)[:1000], done=ended / len(components) if components else 0.0
        )

    def seen(self, gateway: Gateway, database: Database | None = None) -> list[Seen]:
        """Return the Snapshots of our two sessions; the archiver's hold no copies that a restore takes."""
        labels = f"{APP}-name={database.object_name}" if database else f"{APP}-name"
        bodies, _ = gateway.list(SNAPSHOT, namespace=database.namespace if database else None, labels=labels)
        return [seen_in(body) for body in bodies if is_of_our_sessions(body)]

    def window(self, gateway: Gateway, database: Database) -> Window | None:
        """Return from the first full copy to the end of the log that was shipped last."""
        labels = f"{APP}-name={database.object_name}"
        bodies, _ = gateway.list(SNAPSHOT, namespace=database.namespace, labels=labels)
        full = [body for body in bodies if body["spec"].get("repository") == f"{database.object_name}-full"]
        begins = [at for body in full if phase_of(body) == "Succeeded" and (at := taken_at(body))]
        ends = [at for body in full for at in log_ends(body)]
        return Window(begins_at=min(begins), ends_at=max(ends)) if begins and ends else None

    def pause(self, *, paused: bool) -> Body:
        """Return the change of `spec.paused`."""
        return {"spec": {"paused": paused}}

    def archiving(self, cluster: Cluster, *, wanted: bool) -> Body:
        """Return label and reference, or neither."""
        if not wanted:
            return {"metadata": {"labels": {_ARCHIVED: None}}, "spec": {"archiver": None}}
        reference = {"namespace": cluster.backup_namespace, "name": cluster.archiver}
        return {"metadata": {"labels": {_ARCHIVED: "true"}}, "spec": {"archiver": {"pause": False, "ref": reference}}}

    def recovery(self, source: Database, at: datetime) -> Body:
        """Return `init.archiver`."""
        name, namespace = source.object_name, source.namespace
        return {
            "archiver": {
                "recoveryTimestamp": at.isoformat().replace("+00:00", "Z"),
                "fullDBRepository": {"name": f"{name}-full", "namespace": namespace},
                "manifestRepository": {"name": f"{name}-manifest", "namespace": namespace},
                **_encryption(source.cluster),
            }
        }

    def archived(self, gateway: Gateway, database: Database) -> list[Ref]:
        """Return the Snapshots of full backups and manifests."""
        labels = f"{APP}-name={database.object_name}"
        bodies, _ = gateway.list(SNAPSHOT, namespace=database.namespace, labels=labels)
        kept_under = {f"{database.object_name}-{part}" for part in _ARCHIVE}
        return [
            Ref(kind=SNAPSHOT, name=body["metadata"]["name"], namespace=database.namespace)
            for body in bodies
            if body["spec"].get("repository") in kept_under
        ]

    def repositories(self, database: Database) -> list[Ref]:
        """Return the Repositories of our sessions and of the archiver's."""
        names = [f"{database.object_name}-{part}" for part in ("manual", "scheduled", *_ARCHIVE)]
        return [Ref(kind=REPOSITORY, name=name, namespace=database.namespace) for name in names]

    def copy_ref(self, backup: Backup) -> Ref:
        """Return the address of the Snapshot."""
        return Ref(kind=SNAPSHOT, name=backup.snapshot or "", namespace=backup.namespace)

    def forget_data(self, body: Body) -> Body | None:
        """Return the change of the deletion policy."""
        return None if body["spec"].get("deletionPolicy") == "WipeOut" else {"spec": {"deletionPolicy": "WipeOut"}}

    def _session(self, database: Database, engine: Engine, name: str, cron: str, *, is_suspended: bool) -> Body:
        repository = {
            "name": f"{database.object_name}-{name}",
            "backend": name,
            "directory": f"/{database.namespace}/{database.object_name}/{name}",
            "deletionPolicy": "Retain",
            **_encryption(database.cluster),
        }
        task: dict[str, Any] = {"name": "logical-backup"}
        if engine.backup.params:
            task["params"] = dict(engine.backup.params)
        return {
            "name": name,
            "scheduler": {"schedule": cron, "suspend": is_suspended, "jobTemplate": {"backoffLimit": 1}},
            "sessionHistoryLimit": 3,
            "backupTimeout": "2h",
            "retryConfig": {"maxRetry": 2, "delay": "1m"},
            "repositories": [repository],
            "addon": {"name": _addon(database, engine), "tasks": [task]},
        }


def _configuration_name(database: Database) -> str:
    """Return another name than the archivers' own configurations have: `<database>-backup` (MongoDB's) and `<database>-backup-config`."""
    return f"{database.object_name}-copies"


def _backend(database: Database, cluster: Cluster, name: str) -> Body:
    return {
        "name": name,
        "storageRef": {"name": cluster.backup_storage, "namespace": cluster.backup_namespace},
        "retentionPolicy": {"name": f"{database.object_name}-{name}", "namespace": database.namespace},
    }


def _retention(database: Database, operation: Operation, name: str, kept: dict[str, int]) -> Body:
    return {
        "apiVersion": _STORAGE,
        "kind": "RetentionPolicy",
        "metadata": described(database, operation, f"{database.object_name}-{name}"),
        "spec": {"successfulSnapshots": kept, "failedSnapshots": {"last": 3}},
    }


def _kept(policy: BackupPolicy) -> dict[str, int]:
    kept = {
        "last": policy.keep_last,
        "daily": policy.keep_daily,
        "weekly": policy.keep_weekly,
        "monthly": policy.keep_monthly,
    }
    return {name: number for name, number in kept.items() if number}


def _encryption(cluster: Cluster) -> Body:
    if not cluster.backup_encryption_secret:
        return {}
    return {"encryptionSecret": {"name": cluster.backup_encryption_secret, "namespace": cluster.backup_namespace}}


def _addon(database: Database, engine: Engine) -> str:
    version = engine.version(database.version)
    special = engine.backup.addon_by_distribution
    return special.get(version.distribution, engine.backup.addon) if version else engine.backup.addon


DRIVER = KubeStash()
