"""The kinds of KubeStash and of KubeDB's archivers: where they are served, and the names that they share."""

from devcluster.operator.resources import Resource

CLEANUP_FINALIZER = "kubestash.com/cleanup"
REPOSITORY_LABEL = "kubestash.com/repo-name"
TARGET_KIND_LABEL = "kubestash.com/app-ref-kind"
TARGET_NAME_LABEL = "kubestash.com/app-ref-name"
TARGET_NAMESPACE_LABEL = "kubestash.com/app-ref-namespace"
INVOKER_LABEL = "kubestash.com/invoker-name"
SESSION_LABEL = "kubestash.com/session-name"
VERSION_ANNOTATION = "kubedb.com/db-version"
CHECKSUM_ANNOTATION = "devcluster.local/sha256"
FOLDER_ANNOTATION = "devcluster.local/folder"
EXECUTOR_ANNOTATION = "devcluster.local/executor"
"""Which operator works on a session: another one, with a data folder of its own, keeps its hands off."""
SNAPSHOT_ANNOTATION = "devcluster.local/snapshot"
"""The snapshot that a restore of `latest` has chosen: a later attempt takes the same one."""

LOGS_ANNOTATION = "devcluster.local/logs"
"""Where the logs are that can be replayed on top of a full snapshot."""

CORE_API = "core.kubestash.com/v1alpha1"


def _core(kind: str) -> Resource:
    return Resource(api_version=CORE_API, kind=kind, plural=f"{kind.lower()}s")


def _storage(kind: str, plural: str) -> Resource:
    return Resource(api_version="storage.kubestash.com/v1alpha1", kind=kind, plural=plural)


CONFIGURATIONS = _core("BackupConfiguration")
BACKUP_SESSIONS = _core("BackupSession")
RESTORE_SESSIONS = _core("RestoreSession")
STORAGES = _storage("BackupStorage", "backupstorages")
REPOSITORIES = _storage("Repository", "repositories")
RETENTION_POLICIES = _storage("RetentionPolicy", "retentionpolicies")
SNAPSHOTS = _storage("Snapshot", "snapshots")
ARCHIVERS = {
    kind: Resource(
        api_version="archiver.kubedb.com/v1alpha1", kind=f"{kind}Archiver", plural=f"{kind.lower()}archivers"
    )
    for kind in ("Postgres", "MySQL", "MongoDB")
}
NAMESPACES = Resource(api_version="v1", kind="Namespace", plural="namespaces", namespaced=False)
