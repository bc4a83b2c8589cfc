"""KubeDB and KubeStash, played by hand over the real API: one look, one step ahead for everything in a database's namespace.

It is slow on purpose: a request is queued at one look, begun at the next and done at the one after, so that operations see every phase.
A test holds it back or lets things fail by `begins` and `fates`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import (
    BACKUP_SESSION,
    REPOSITORY,
    RESTORE_SESSION,
    SECRET,
    SNAPSHOT,
    Kind,
    Ref,
    kind_of,
    ref_of,
)
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Database
from provisioning.ops_requests import API_VERSION as OPS

CONFIGURATION = kind_of("core.kubestash.com/v1alpha1", "BackupConfiguration")
SENTINEL = kind_of("kubedb.com/v1", "RedisSentinel")
MOMENT = "2026-01-31T12:00:00Z"


@dataclass(kw_only=True)
class Operator:
    """Answers what the product asks for."""

    kube: Gateway
    fates: dict[str, str] = field(default_factory=dict)
    """By type of OpsRequest or kind of session, such as `Restart` or `BackupSession`: the phase in which it ends instead."""
    begins: bool = True
    """False: requests to change a database stay queued."""
    skips: int = 0
    """So many backup sessions end as Skipped first."""

    def act(self, database: Database) -> None:
        """Look once, and do the next thing for each object that needs one."""
        engine = all_engines()[database.engine]
        answers = [
            (kind_of(OPS, engine.ops_kind), self._answer_request),
            *((kind, self._answer_request) for kind in _companion_requests(database)),
            (CONFIGURATION, self._answer_configuration),
            (BACKUP_SESSION, self._answer_session),
            (RESTORE_SESSION, self._answer_restore),
            (SENTINEL, self._answer_database),
            (kind_of("kubedb.com/v1", engine.kind), self._answer_database),
        ]
        for kind, answer in answers:
            for body in self._all(database, kind):
                answer(database, body)

    def say(self, body: Body, status: Body) -> Body:
        """Write into the object's status."""
        ref = ref_of(body)
        kind = Kind(api_version=ref.kind.api_version, kind=ref.kind.kind, plural=ref.kind.plural)
        return self.kube.merge(Ref(kind=kind, name=f"{ref.name}/status", namespace=ref.namespace), {"status": status})

    def take_snapshot(
        self, database: Database, *, session: str = "", repository: str = "manual", phase: str = "Succeeded"
    ) -> Body:
        """Leave a copy of the database, as a session does."""
        name = f"{database.object_name}-{repository}"
        run = session or f"{name}-{len(self._all(database, SNAPSHOT)) + 1}"
        target = {
            "name": database.object_name,
            "namespace": database.namespace,
            "kind": all_engines()[database.engine].kind,
        }
        body = self.kube.create(
            {
                "apiVersion": SNAPSHOT.api_version,
                "kind": "Snapshot",
                "metadata": {
                    "name": f"{name}-{run}"[-63:].strip("-"),
                    "namespace": database.namespace,
                    "labels": {f"kubestash.com/app-ref-{name}": value for name, value in target.items()},
                    "annotations": {"kubedb.com/db-version": database.version},
                },
                "spec": {
                    "appRef": {"apiGroup": "kubedb.com", **target},
                    "backupSession": run,
                    "deletionPolicy": "Delete",
                    "repository": name,
                    "session": repository,
                    "snapshotID": run,
                    "type": "FullBackup",
                    "version": "v1",
                },
            }
        )
        return self.say(body, {"phase": phase, "snapshotTime": MOMENT, "size": "2.5 KiB"})

    def keep_every_change(self, database: Database, *, until: datetime) -> None:
        """Leave what an archiver leaves: a full backup and a manifest, the repositories they are in, and how far the log reaches."""
        for part in ("full", "manifest"):
            snapshot = self.take_snapshot(database, repository=part)
            wal = {"phase": "Running", "logStats": {"start": MOMENT, "end": until.isoformat().replace("+00:00", "Z")}}
            self.say(snapshot, {"components": {"wal": wal}})
            self.kube.create(
                {
                    "apiVersion": REPOSITORY.api_version,
                    "kind": "Repository",
                    "metadata": {"name": f"{database.object_name}-{part}", "namespace": database.namespace},
                    "spec": {
                        "appRef": {"name": database.object_name, "namespace": database.namespace},
                        "storageRef": {"name": "storage", "namespace": "backups"},
                        "path": part,
                        "deletionPolicy": "Delete",
                    },
                }
            )

    def delete_all(self, database: Database, kind: Kind) -> None:
        """Delete the database's objects of this kind, as somebody might."""
        for body in self._all(database, kind):
            self.kube.delete(ref_of(body), uid=body["metadata"]["uid"])

    def delete_copies(self, database: Database) -> None:
        """Take all copies away, as retention does in the end."""
        self.delete_all(database, SNAPSHOT)

    def _all(self, database: Database, kind: Kind) -> list[Body]:
        """Return the database's own objects of this kind; sessions and requests carry its label."""
        bodies, _ = self.kube.list(kind, namespace=database.namespace)
        if kind == SNAPSHOT:
            return [one for one in bodies if one["spec"]["appRef"]["name"] == database.object_name]
        mine = str(database.id)
        return [one for one in bodies if (one["metadata"].get("labels") or {}).get("dbaas/database-id") == mine]

    def _answer_request(self, database: Database, body: Body) -> None:
        phase = phase_of(body)
        if phase == "" and self.begins:
            self.say(body, {"phase": "Pending"})
        elif phase == "Pending" and self.begins:
            self.say(body, {"phase": "Progressing", "conditions": [condition("CheckPodReady--a", "One at a time.")]})
        elif phase == "Progressing":
            ends = self.fates.get(body["spec"]["type"], "Successful")
            if ends == "Successful":
                self._carry_out(database, body)
            self._end(body, ends)

    def _carry_out(self, database: Database, body: Body) -> None:
        spec = body["spec"]
        kind = kind_of("kubedb.com/v1", body["kind"].removesuffix("OpsRequest"))
        target = Ref(kind=kind, name=spec["databaseRef"]["name"], namespace=database.namespace)
        now = self.kube.get(target)
        assert now is not None, f"{target} is to be changed"
        change = _changed(spec, now["spec"])
        self.kube.merge(target, {"metadata": {"annotations": {"test/changed-by": spec["type"]}}, "spec": change})

    def _answer_configuration(self, _database: Database, body: Body) -> None:
        if phase_of(body) != "Ready":
            self.say(body, {"phase": "Ready"})

    def _answer_restore(self, _database: Database, body: Body) -> None:
        if not phase_of(body):
            self._end(body, self.fates.get("RestoreSession", "Succeeded"))

    def _answer_session(self, database: Database, body: Body) -> None:
        if phase_of(body):
            return
        if self.skips:
            self.skips -= 1
            self.say(body, {"phase": "Skipped"})
            return
        ends = self.fates.get("BackupSession", "Succeeded")
        self.take_snapshot(
            database,
            session=body["metadata"]["name"],
            repository=body["spec"]["session"],
            phase=self.fates.get("Snapshot", "Succeeded" if ends == "Succeeded" else "Failed"),
        )
        self._end(body, ends)

    def _end(self, body: Body, phase: str) -> None:
        self.say(body, {"phase": phase, "conditions": [condition("Ended", f"It ended as {phase}.")]})

    def _answer_database(self, database: Database, body: Body) -> None:
        ref = ref_of(body)
        if ref.kind != SENTINEL and self.kube.get(_auth_secret(database)) is None:
            self.serve(database)
            body = self.kube.get(ref) or body
        phase = self._phase_for(database, body)
        generation = body["metadata"]["generation"]
        seen = body.get("status") or {}
        if (seen.get("phase"), seen.get("observedGeneration")) != (phase, generation):
            told = condition("Provisioned", f"It is {phase}.", is_true=phase == "Ready")
            self.say(body, {"phase": phase, "observedGeneration": generation, "conditions": [told]})

    def _phase_for(self, database: Database, body: Body) -> str:
        if body["spec"].get("halted"):
            return "Halted"
        waits = (body["spec"].get("init") or {}).get("waitForInitialRestore")
        restored = any(phase_of(one) == "Succeeded" for one in self._all(database, RESTORE_SESSION))
        return "DataRestoring" if waits and not restored else "Ready"

    def serve(self, database: Database, *, node_port: int = 0) -> None:
        """Make the primary Service and the auth Secret."""
        name, namespace = database.object_name, database.namespace
        engine = all_engines()[database.engine]
        port: dict[str, Any] = {"name": "primary", "port": engine.port}
        service: Body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"type": "NodePort", "ports": [{**port, "nodePort": node_port} if node_port else port]},
        }
        secret: Body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-auth", "namespace": namespace},
            "stringData": {"username": "postgres", "password": "canary-pass/word"},
        }
        for body in (service, secret):
            self.kube.create(body)
        target = Ref(kind=kind_of("kubedb.com/v1", engine.kind), name=name, namespace=namespace)
        self.kube.merge(target, {"spec": {"authSecret": {"name": f"{name}-auth"}}})


def phase_of(body: Body) -> str:
    """Return the object's phase; empty while it has none."""
    return str((body.get("status") or {}).get("phase", ""))


def condition(kind: str, message: str, *, is_true: bool = True) -> Body:
    """Return a condition."""
    return {
        "type": kind,
        "status": "True" if is_true else "False",
        "reason": "Test",
        "message": message,
        "lastTransitionTime": MOMENT,
    }


def _auth_secret(database: Database) -> Ref:
    return Ref(kind=SECRET, name=f"{database.object_name}-auth", namespace=database.namespace)


def _companion_requests(database: Database) -> list[Kind]:
    return [kind_of(OPS, "RedisSentinelOpsRequest")] if database.engine == "redis" else []


def _changed(spec: Body, now: Body) -> Body:
    """Return what a request changes in the `spec` of a database with one kind of nodes."""
    if "updateVersion" in spec:
        return {"version": spec["updateVersion"]["targetVersion"]}
    if "horizontalScaling" in spec:
        wanted = spec["horizontalScaling"]
        return {"cluster": wanted} if "cluster" in now else dict(wanted)
    if "volumeExpansion" in spec:
        (size,) = (value for name, value in spec["volumeExpansion"].items() if name != "mode")
        return {"storage": {"resources": {"requests": {"storage": size}}}}
    if "verticalScaling" in spec:
        (wanted,) = (value for name, value in spec["verticalScaling"].items() if name != "mode")
        first, *others = now["podTemplate"]["spec"]["containers"]
        return {"podTemplate": {"spec": {"containers": [{**first, **wanted}, *others]}}}
    return {}
