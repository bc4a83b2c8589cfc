"""What a product creates for backups, and what the tests ask afterwards."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.devcluster.operator.conftest import Namespace, PocketCluster, wait_until

Body = dict[str, Any]
CORE = "/apis/core.kubestash.com/v1alpha1/namespaces"
STORAGE_API = "/apis/storage.kubestash.com/v1alpha1/namespaces"
CLEAN = {"args": "--clean --if-exists --no-role-passwords"}
ADDONS = {"Postgres": "postgres-addon", "Redis": "redis-addon", "MySQL": "mysql-addon"}
TERMINAL = {"Succeeded", "Failed", "Skipped", "Invalid"}


def post(namespace: Namespace, path: str, kind: str, name: str, **content: Any) -> str:
    """Create an object and give its path."""
    group = path.split("/")[2]
    metadata = {"name": name, "namespace": namespace.name, **content.pop("metadata", {})}
    body = {"apiVersion": f"{group}/v1alpha1", "kind": kind, "metadata": metadata, **content}
    plural = {"RetentionPolicy": "retentionpolicies", "Repository": "repositories"}.get(kind, f"{kind.lower()}s")
    answer = namespace.client.post(f"{path}/{namespace.name}/{plural}", json=body)
    assert answer.status_code in {httpx.codes.CREATED, httpx.codes.CONFLICT}, answer.text
    return f"{path}/{namespace.name}/{plural}/{name}"


@dataclass(frozen=True)
class Backups:
    """The backups of one database."""

    namespace: Namespace
    kind: str
    database: str

    def configure(self, *, keep: int = 5, scheduled: Body | None = None, **manual: Any) -> str:
        """Create policy and configuration, and wait until it is ready."""
        policy = {"successfulSnapshots": {"last": keep}, "failedSnapshots": {"last": 1}}
        post(self.namespace, STORAGE_API, "RetentionPolicy", f"{self.database}-keep", spec=policy)
        sessions = [self._session("manual", {"schedule": "0 0 * * *", "suspend": True}, **manual)]
        if scheduled is not None:
            sessions.append(self._session("scheduled", scheduled))
        backend = {"storageRef": {"name": "dbaas", "namespace": "dbaas-backup"}}
        backend["retentionPolicy"] = {"name": f"{self.database}-keep", "namespace": self.namespace.name}
        spec = {
            "target": {"apiGroup": "kubedb.com", "kind": self.kind, "name": self.database},
            "backends": [{"name": one["name"], **backend} for one in sessions],
            "sessions": sessions,
        }
        path = post(self.namespace, CORE, "BackupConfiguration", f"{self.database}-backup", spec=spec)
        wait_until(lambda: self.namespace.get(path).get("status", {}).get("phase") == "Ready", f"{path} is Ready")
        return path

    def _session(self, name: str, scheduler: Body, **more: Any) -> Body:
        params = CLEAN if self.kind == "Postgres" else {}
        return {
            "name": name,
            "scheduler": {"jobTemplate": {}, **scheduler},
            "sessionHistoryLimit": 3,
            "repositories": [
                {
                    "name": f"{self.database}-{name}",
                    "backend": name,
                    "directory": f"/{self.namespace.name}/{self.database}/{name}",
                    "encryptionSecret": {"name": "dbaas-backup-key", "namespace": "dbaas-backup"},
                    "deletionPolicy": "WipeOut",
                }
            ],
            "addon": {"name": ADDONS[self.kind], "tasks": [{"name": "logical-backup", "params": params}]},
            **more,
        }

    def start(self, name: str, session: str = "manual", **spec: Any) -> str:
        """Ask for a run and give its path."""
        configuration = self.namespace.get(f"{CORE}/{self.namespace.name}/backupconfigurations/{self.database}-backup")
        owner = {"apiVersion": "core.kubestash.com/v1alpha1", "kind": "BackupConfiguration", "controller": True}
        owner |= {key: configuration["metadata"][key] for key in ("name", "uid")}
        invoker = {"apiGroup": "core.kubestash.com", "kind": "BackupConfiguration", "name": owner["name"]}
        metadata = {"ownerReferences": [owner]}
        return post(
            self.namespace,
            CORE,
            "BackupSession",
            name,
            metadata=metadata,
            spec={"invoker": invoker, "session": session, **spec},
        )

    def run(self, name: str) -> Body:
        """Ask for a run and give it when it has ended."""
        return self.ended(self.start(name))

    def ended(self, path: str) -> Body:
        """Wait until a session has ended and give it."""
        wait_until(lambda: self.namespace.get(path).get("status", {}).get("phase") in TERMINAL, f"{path} ends", 30)
        return self.namespace.get(path)

    def snapshot(self, session: Body) -> Body:
        """Read the snapshot that a run has made."""
        return self.namespace.get(self.snapshot_path(session["status"]["snapshots"][0]["name"]))

    def snapshot_path(self, name: str) -> str:
        """Give the path of a snapshot."""
        return f"{STORAGE_API}/{self.namespace.name}/snapshots/{name}"

    def restore(self, name: str, snapshot: str = "latest", into: str = "", **spec: Any) -> str:
        """Ask for a restore and give its path."""
        target = {"apiGroup": "kubedb.com", "kind": self.kind, "name": into or self.database}
        source = {"repository": f"{self.database}-manual", "snapshot": snapshot}
        addon = {"name": ADDONS[self.kind], "tasks": [{"name": "logical-backup-restore"}]}
        content = {"target": target, "dataSource": source, "addon": addon, **spec}
        return post(self.namespace, CORE, "RestoreSession", name, spec=content)


def with_storage(pocket: PocketCluster) -> None:
    """Create what an administrator creates once per cluster."""
    pocket.client.post("/api/v1/namespaces", json={"metadata": {"name": "dbaas-backup"}})
    place = Namespace(name="dbaas-backup", client=pocket.client, data_dir=pocket.server.data_dir)
    secret = {"metadata": {"name": "dbaas-backup-key"}, "stringData": {"RESTIC_PASSWORD": "key"}}
    pocket.client.post("/api/v1/namespaces/dbaas-backup/secrets", json=secret)
    local = {"hostPath": {"path": "/nowhere"}, "mountPath": "/backups"}
    spec = {"storage": {"provider": "local", "local": local}, "default": True}
    spec["usagePolicy"] = {"allowedNamespaces": {"from": "All"}}
    post(place, STORAGE_API, "BackupStorage", "dbaas", spec=spec)
