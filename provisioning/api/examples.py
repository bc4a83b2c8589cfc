"""What bodies look like, for the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_ID = "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90"
_TENANT = "01980a40-1b2c-7d3e-8f4a-5b6c7d8e9f00"
_OPERATION_ID = "01980a4e-6f20-7a11-8b22-3c33d44e55f6"
_AT = "2026-01-31T09:30:00.000Z"

_ORDER = {
    "tenant": _TENANT,
    "name": "orders",
    "engine": "postgres",
    "version": "17.5",
    "plan": "small",
    "topology": {"mode": "replicated", "replicas": 3},
    "storage_gib": 20,
    "region": "local",
    "labels": {"team": "shop"},
    "deletion_protection": False,
    "access": {"mode": "external", "allowed_cidrs": []},
}
_DATABASE: dict[str, Any] = {
    **_ORDER,
    "id": _ID,
    "running_version": None,
    "cpu_millicores": 1000,
    "memory_mib": 2048,
    "status": "ready",
    "phase": "Ready",
    "endpoint": {"host": "127.0.0.1", "port": 31245},
    "simulated": False,
    "active_operation": None,
    "created_at": _AT,
    "updated_at": "2026-01-31T09:30:04.118Z",
    "etag": '"5f2d8c0a9b1e7f34"',
}
_OPERATION: dict[str, Any] = {
    "id": _OPERATION_ID,
    "kind": "provision",
    "state": "queued",
    "progress": 0,
    "step": None,
    "waiting_for": None,
    "error": None,
    "database": {"id": _ID, "name": "orders", "engine": "postgres", "status": "provisioning"},
    "attempt": 0,
    "created_at": _AT,
    "started_at": None,
    "finished_at": None,
    "deadline_at": "2026-01-31T10:10:00.000Z",
    "cancel_requested_at": None,
    "links": {
        "self": f"/api/v1/operations/{_OPERATION_ID}",
        "database": f"/api/v1/databases/{_ID}",
        "cancel": f"/api/v1/operations/{_OPERATION_ID}/cancel",
    },
}
_LINE = {
    "seq": 1,
    "at": _AT,
    "step": None,
    "event": "accepted",
    "message": "Provisioning was accepted.",
    "attempt": 0,
    "duration_ms": None,
}
_CREDENTIALS = {
    "username": "postgres",
    "password": "...",
    "host": "127.0.0.1",
    "port": 31245,
    "database": "postgres",
    "uri": "postgresql://postgres:...@127.0.0.1:31245/postgres?sslmode=disable",
    "ca": None,
}
_FIELD = {"name": "replicas", "description": "Servers in all.", "default": 3, "minimum": 2, "maximum": 9}
_MODE = {"name": "replicated", "description": "One primary and hot standbys.", "fields": [_FIELD]}
_ENGINE = {"name": "postgres", "title": "PostgreSQL", "default_version": "17.5", "port": 5432, "topologies": [_MODE]}
_VERSION = {
    "name": "17.5",
    "number": "17.5",
    "distribution": "Official",
    "is_default": True,
    "deprecated": False,
    "end_of_life": False,
    "minimum_memory_mib": 256,
}
_PLAN = {
    "name": "small",
    "title": "Small: 1 core, 2 GiB",
    "cpu_millicores": 1000,
    "memory_mib": 2048,
    "storage_gib": 10,
    "is_default": True,
}


def _answer(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True)


def _request(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def _list(name: str, item: Any) -> OpenApiExample:
    return _answer(name, {"items": [item], "next_cursor": None})


SMALLEST_ORDER = _request("smallest", {"tenant": _TENANT, "name": "orders", "engine": "postgres"})
FULL_ORDER = _request("everything chosen", _ORDER)
CHANGE = _request("switch protection on", {"deletion_protection": True})
DATABASE = _answer("database", _DATABASE)
DATABASES = _list("databases", _DATABASE)
OPERATION = _answer("operation", _OPERATION)
OPERATIONS = _list("operations", _OPERATION)
OPERATION_WITH_TIMELINE = _answer("operation with timeline", {**_OPERATION, "timeline": [_LINE]})
CREDENTIALS = _answer("credentials", _CREDENTIALS)
ENGINES = _answer("engines", {"items": [_ENGINE]})
VERSIONS = _answer("versions", {"items": [_VERSION]})
PLANS = _answer("plans", {"items": [_PLAN]})
REGIONS = _answer("regions", {"items": [{"name": "local", "accepts_databases": True, "is_default": True}]})
