"""The rows that are the truth about databases and the operations on them.

Portable on purpose (SQLite, PostgreSQL, MongoDB): UUIDv7 keys, no time is ever compared-and-swapped, partial indexes only on booleans, no choices on
the engine column. Rows change only through `lease`, `services` and `observations`, by conditional UPDATE; no model has behaviour beyond questions.
"""

from provisioning.models.backups import Backup, BackupPolicy
from provisioning.models.clusters import Cluster
from provisioning.models.databases import Database, DatabaseEvent
from provisioning.models.findings import Finding
from provisioning.models.operations import Heartbeat, Operation, OperationEvent, Resource

__all__ = [
    "Backup",
    "BackupPolicy",
    "Cluster",
    "Database",
    "DatabaseEvent",
    "Finding",
    "Heartbeat",
    "Operation",
    "OperationEvent",
    "Resource",
]
