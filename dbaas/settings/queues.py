"""Celery: a message is a nudge that may be lost, doubled or late; the row is the truth (docs/decisions/0002).

Every value here bounds something: what a dead broker may cost a request, how long a step may run, how much a worker may keep.
"""

from typing import Any

DEFAULT_LEASE_SECONDS = 60


def step_limits(lease_seconds: int) -> tuple[int, int]:
    """Return after how many seconds a step is told to end, and after how many its process is killed: before another may take the lease."""
    return lease_seconds // 2, lease_seconds * 3 // 4


_SHARED_TRANSPORT = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "max_connections": 20,
}
WORKER_TRANSPORT = {**_SHARED_TRANSPORT, "socket_timeout": 10, "socket_connect_timeout": 3}
PUBLISHER_TRANSPORT = {**_SHARED_TRANSPORT, "socket_timeout": 0.4, "socket_connect_timeout": 0.4}
"""For the processes that only publish: a frozen broker costs a request 0.4 s, not 25."""


SOFT_SHUTDOWN_SECONDS = 22
"""How long a worker that is told to end lets its steps run on. Celery waits all of it whenever one runs, and takes two seconds more."""

_QUEUES = {
    "task_default_queue": "ops",
    "task_create_missing_queues": False,
    "task_queues": {"ops": {}, "maintenance": {}, "webhooks": {}},
    "task_routes": {
        "provisioning.advance": {"queue": "ops"},
        "provisioning.*": {"queue": "maintenance"},
        "webhooks.deliver": {"queue": "webhooks"},
        "webhooks.*": {"queue": "maintenance"},
    },
}
"""`ops` carries operations' steps; `maintenance` what keeps the system going, so that a flood of one cannot starve the other.

`webhooks` has a worker of its own, because its tasks wait for other people's servers (docs/decisions/0018).
"""

BEAT_SCHEDULE = {
    "dispatch due operations": {"task": "provisioning.dispatch_due", "schedule": 1.0, "options": {"expires": 5}},
    "give every worker something to complete": {
        "task": "provisioning.pulse",
        "schedule": 10.0,
        "options": {"expires": 10, "queue": "ops"},
    },
    "compare ledger and clusters": {"task": "provisioning.reap", "schedule": 600.0, "options": {"expires": 300}},
    "look after backups": {"task": "provisioning.look_after", "schedule": 60.0, "options": {"expires": 50}},
    "seal the audit trail": {"task": "provisioning.seal_audit_trail", "schedule": 20.0, "options": {"expires": 20}},
    "send letters": {"task": "provisioning.send_letters", "schedule": 15.0, "options": {"expires": 15}},
    "keep the audit trail": {
        "task": "provisioning.keep_audit_trail",
        "schedule": 86400.0,
        "options": {"expires": 3600},
    },
    "forget old deliveries": {"task": "webhooks.forget", "schedule": 3600.0, "options": {"expires": 600}},
    "audit quotas": {"task": "provisioning.audit_quotas", "schedule": 86400.0, "options": {"expires": 3600}},
}
"""In seconds. A message that waited longer than `expires` is dropped: the next one does the same."""


def only_publishes(program: str) -> bool:
    """Tell from the program's path whether this process only publishes, as web and watcher do; a worker or beat waits longer for its broker."""
    return not ("celery" in program or program.endswith("dbaas/processes.py"))


def celery_from(*, broker_url: str, is_publisher: bool, lease_seconds: int = DEFAULT_LEASE_SECONDS) -> dict[str, Any]:
    """Return Celery's configuration (lower-case names) for this process."""
    soft_limit_seconds, hard_limit_seconds = step_limits(lease_seconds)
    return {
        "broker_url": broker_url,
        "broker_transport_options": PUBLISHER_TRANSPORT if is_publisher else WORKER_TRANSPORT,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_publish_retry_policy": {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0},
        "visibility_timeout": 300,
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        "task_ignore_result": True,
        "result_backend": None,
        "task_soft_time_limit": soft_limit_seconds,
        "task_time_limit": hard_limit_seconds,
        **_QUEUES,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_max_tasks_per_child": 5000,
        "worker_max_memory_per_child": 400_000,
        "worker_soft_shutdown_timeout": SOFT_SHUTDOWN_SECONDS,
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "worker_enable_remote_control": True,
        "worker_hijack_root_logger": False,
        "accept_content": ["json"],
        "task_serializer": "json",
        "beat_schedule": BEAT_SCHEDULE,
    }
