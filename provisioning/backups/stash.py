"""Backups by Stash, KubeStash's predecessor, for clusters that still have it. Source: stashed/apimachinery apis/stash (v1alpha1, v1beta1).

A BackupConfiguration has one schedule and one repository, so a database has two of each: `manual`, whose schedule never comes, and
`scheduled`. Repositories stand beside the storage secret, in the backup namespace. Stash has no archiver: no point-in-time recovery.
"""

from datetime import datetime
from typing import Any

from dbaas.core.errors import Permanent
from provisioning.backups.driver import BackupDriver, Outcome, Progress, Seen, Window, described, moment, phase_of
from provisioning.backups.schedules import in_utc
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import STASH_SNAPSHOT, Ref, kind_of
from provisioning.cluster.ownership import OURS
from provisioning.engine import Body, Engine
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation
from provisioning.observations import last_message

_ALPHA, _BETA = "stash.appscode.com/v1alpha1", "stash.appscode.com/v1beta1"
_NEVER = "0 0 31 2 *"
"""The 31st of February: Stash cannot suspend a schedule without refusing runs on request too."""
_ALL = 10_000
_OUTCOMES = {
    "Succeeded": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
    "Invalid": Outcome.FAILED,
    "Skipped": Outcome.SKIPPED,
}
_MANUAL, _SCHEDULED = "manual", "scheduled"


class NoRecovery(Permanent):
    """The cluster's backup tool cannot bring a database back to any moment."""

    code = "backup.no_recovery"


class Stash(BackupDriver):
    """The driver."""

    name = "stash"

    def configuration(
        self, database: Database, engine: Engine, operation: Operation, policy: BackupPolicy | None
    ) -> list[Body]:
        """Return repositories and BackupConfigurations, that for runs on request last."""
        bodies: list[Body] = []
        if policy is not None:
            cron = _NEVER if policy.is_paused else in_utc(policy.schedule, policy.time_zone)
            bodies += _pair(database, engine, operation, _SCHEDULED, cron, _kept(policy))
        return [*bodies, *_pair(database, engine, operation, _MANUAL, _NEVER, {"keepLast": _ALL})]

    def configuration_ref(self, database: Database) -> Ref:
        """Return the address of the BackupConfiguration for runs on request."""
        return self.configurations(database)[0]

    def configurations(self, database: Database) -> list[Ref]:
        """Return both BackupConfigurations."""
        kind = kind_of(_BETA, "BackupConfiguration")
        names = [f"{database.object_name}-{name}" for name in (_MANUAL, _SCHEDULED)]
        return [Ref(kind=kind, name=name, namespace=database.namespace) for name in names]

    def is_configured(self, body: Body) -> bool:
        """Tell whether Stash reports it as ready."""
        return phase_of(body) == "Ready"

    def session(self, database: Database, operation: Operation, name: str, configuration: Body) -> Body:
        """Return a BackupSession."""
        invoker = {
            "apiGroup": "stash.appscode.com",
            "kind": "BackupConfiguration",
            "name": configuration["metadata"]["name"],
        }
        metadata = described(database, operation, name)
        return {"apiVersion": _BETA, "kind": "BackupSession", "metadata": metadata, "spec": {"invoker": invoker}}

    def restoration(self, database: Database, engine: Engine, operation: Operation, backup: Backup) -> Body:
        """Return a RestoreSession; a snapshot's id is the last part of its name."""
        identifier = (backup.snapshot or "").rpartition("-")[2]
        spec = {
            "repository": {"name": backup.repository, "namespace": backup.cluster.backup_namespace},
            "task": {"name": f"{engine.backup.stash_task}-restore"},
            "target": {"ref": _binding(database), "rules": [{"snapshots": [identifier]}]},
            "timeOut": "4h",
        }
        metadata = described(database, operation, f"{engine.short_name}-rs-{operation.id.hex}")
        return {"apiVersion": _BETA, "kind": "RestoreSession", "metadata": metadata, "spec": spec}

    def progress(self, body: Body) -> Progress:
        """Read the phase, and what the condition that changed last says."""
        said = last_message(body) or f"Stash reports {phase_of(body) or 'nothing yet'}."
        return Progress(outcome=_OUTCOMES.get(phase_of(body), Outcome.RUNNING), message=said)

    def seen(self, gateway: Gateway, database: Database | None = None) -> list[Seen]:
        """Return the snapshots in our repositories; Stash tells no sizes, and not which run took which."""
        snapshots, _ = gateway.list(STASH_SNAPSHOT)
        sessions, _ = gateway.list(kind_of(_BETA, "BackupSession"), labels=OURS)
        found = [one for one in (_seen(body, sessions) for body in snapshots) if one is not None]
        return [one for one in found if database is None or one.object_name == database.object_name]

    def window(self, gateway: Gateway, database: Database) -> Window | None:
        """Return nothing: Stash keeps no changes."""
        del gateway, database
        return None

    def pause(self, *, paused: bool) -> Body:
        """Return the change of `spec.paused`."""
        return {"spec": {"paused": paused}}

    def archiving(self, cluster: Cluster, *, wanted: bool) -> Body:
        """Return no change: there is no archiver."""
        del cluster, wanted
        return {}

    def recovery(self, source: Database, at: datetime) -> Body:
        """Refuse. Raises: NoRecovery — whoever accepts an order checks for a policy that keeps changes, which none here has."""
        raise NoRecovery(f"{source.name} cannot be brought back to {at.isoformat()}.")

    def archived(self, gateway: Gateway, database: Database) -> list[Ref]:
        """Return nothing: Stash has no archiver."""
        del gateway, database
        return []

    def repositories(self, database: Database) -> list[Ref]:
        """Return nothing: the Repositories are of our making, and in the ledger."""
        del database
        return []

    def copy_ref(self, backup: Backup) -> Ref:
        """Return the address of the snapshot."""
        return Ref(kind=STASH_SNAPSHOT, name=backup.snapshot or "", namespace=backup.cluster.backup_namespace)

    def forget_data(self, body: Body) -> Body | None:
        """Return nothing: deleting a snapshot deletes its data."""
        del body
        return None


def _pair(
    database: Database, engine: Engine, operation: Operation, name: str, cron: str, kept: dict[str, int]
) -> list[Body]:
    """Return a repository and the BackupConfiguration that fills it."""
    full_name = f"{database.object_name}-{name}"
    cluster = database.cluster
    repository = {**described(database, operation, full_name), "namespace": cluster.backup_namespace}
    backend = {**cluster.backup_backend, "storageSecretName": cluster.backup_encryption_secret}
    access = {"allowedNamespaces": {"from": "All"}}
    spec: dict[str, Any] = {
        "schedule": cron,
        "repository": {"name": full_name, "namespace": cluster.backup_namespace},
        "task": {"name": f"{engine.backup.stash_task}-backup"},
        "target": {"ref": _binding(database)},
        "retentionPolicy": {"name": name, "prune": True, **kept},
        "timeOut": "2h",
        "paused": False,
    }
    return [
        {
            "apiVersion": _ALPHA,
            "kind": "Repository",
            "metadata": repository,
            "spec": {"backend": _prefixed(backend, f"dbaas/{full_name}"), "usagePolicy": access},
        },
        {
            "apiVersion": _BETA,
            "kind": "BackupConfiguration",
            "metadata": described(database, operation, full_name),
            "spec": spec,
        },
    ]


def _prefixed(backend: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return the backend with a folder of its own in whichever provider it has."""
    return {name: {**block, "prefix": prefix} if isinstance(block, dict) else block for name, block in backend.items()}


def _kept(policy: BackupPolicy) -> dict[str, int]:
    kept = {
        "keepLast": policy.keep_last,
        "keepDaily": policy.keep_daily,
        "keepWeekly": policy.keep_weekly,
        "keepMonthly": policy.keep_monthly,
    }
    return {name: number for name, number in kept.items() if number}


def _binding(database: Database) -> Body:
    return {
        "apiVersion": "appcatalog.appscode.com/v1alpha1",
        "kind": "AppBinding",
        "name": database.object_name,
        "namespace": database.namespace,
    }


def _seen(body: Body, sessions: list[Body]) -> Seen | None:
    """Return the snapshot if it is in a repository of ours; its run is the last one that began before it."""
    repository = str((body.get("status") or {}).get("repository", ""))
    object_name, _, kind = repository.rpartition("-")
    at = moment(body["metadata"].get("creationTimestamp"))
    if kind not in (_MANUAL, _SCHEDULED) or at is None:
        return None
    began = {
        moment(one["metadata"]["creationTimestamp"]): one
        for one in sessions
        if one["spec"]["invoker"]["name"] == repository
    }
    before = [start for start in began if start is not None and start <= at]
    session = began[max(before)] if before else None
    return Seen(
        object_name=object_name,
        snapshot=body["metadata"]["name"],
        repository=repository,
        run=session["metadata"]["name"] if session else "",
        is_scheduled=kind == _SCHEDULED,
        outcome=Outcome.SUCCEEDED,
        at=at,
        size_bytes=None,
        version="",
    )


DRIVER = Stash()
