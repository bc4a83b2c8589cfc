"""How our objects look in answers: plain dictionaries, by hand, because a serializer costs a hundred times as much."""

from collections.abc import Sequence
from typing import Any

from dbaas.api.etag import etag_of
from provisioning.changes import Parameter
from provisioning.engine import Count, Engine, Mode, NodeCounts, TopologyField, Version
from provisioning.models import Database, Operation, OperationEvent
from provisioning.services.credentials import Credentials
from provisioning.sizes import DEFAULT_PLAN, Plan
from provisioning.statuses import status_of


def show_database(database: Database) -> dict[str, Any]:
    """Return a database; no query."""
    has_endpoint = database.endpoint_host and database.endpoint_port
    return {
        "id": database.id,
        "tenant": database.tenant_id,
        "name": database.name,
        "engine": database.engine,
        "version": database.version,
        "running_version": database.running_version or None,
        "plan": database.plan,
        "cpu_millicores": database.cpu_millicores,
        "memory_mib": database.memory_mib,
        "storage_gib": database.storage_gib,
        "topology": database.topology,
        "region": database.region,
        "access": {"mode": database.access_mode, "allowed_cidrs": database.allowed_cidrs},
        "status": status_of(database),
        "phase": database.phase or None,
        "endpoint": {"host": database.endpoint_host, "port": database.endpoint_port} if has_endpoint else None,
        "simulated": database.simulated,
        "display_name": database.display_name,
        "deletion_protection": database.deletion_protection,
        "deletion_policy": database.deletion_policy,
        "maintenance_window": database.maintenance_window,
        "parameters": database.parameters,
        "expires_at": database.expires_at,
        "labels": database.labels,
        "active_operation": database.active_operation_id,
        "created_at": database.created_at,
        "updated_at": database.updated_at,
        "etag": database_etag(database),
    }


def database_etag(database: Database) -> str:
    """Return the ETag of this version of the row."""
    return etag_of(database.id, database.row_version)


def show_operation(operation: Operation) -> dict[str, Any]:
    """Return an operation; its database must have been read with it."""
    database = operation.database
    error = {"code": operation.error_code, "detail": operation.error_detail} if operation.error_code else None
    return {
        "id": operation.id,
        "kind": operation.kind,
        "state": operation.state,
        "progress": operation.progress,
        "step": operation.step or None,
        "waiting_for": operation.waiting_for or None,
        "error": error,
        "database": {
            "id": database.id,
            "name": database.name,
            "engine": database.engine,
            "status": status_of(database),
        },
        "attempt": operation.attempt,
        "created_at": operation.created_at,
        "started_at": operation.started_at,
        "finished_at": operation.finished_at,
        "deadline_at": operation.deadline_at,
        "cancel_requested_at": operation.cancel_requested_at,
        "links": {
            "self": f"/api/v1/operations/{operation.id}",
            "database": f"/api/v1/databases/{database.id}",
            "cancel": f"/api/v1/operations/{operation.id}/cancel",
        },
    }


def show_operation_with_timeline(operation: Operation, timeline: Sequence[OperationEvent]) -> dict[str, Any]:
    """Return an operation and what happened in it."""
    return {**show_operation(operation), "timeline": [_show_event(event) for event in timeline]}


def show_credentials(credentials: Credentials) -> dict[str, Any]:
    """Return credentials, password included: only ever into an answer that nobody may store."""
    return {
        "username": credentials.username,
        "password": credentials.password,
        "host": credentials.host,
        "port": credentials.port,
        "database": credentials.database,
        "uri": credentials.uri,
        "ca": credentials.ca,
    }


def show_engine(engine: Engine) -> dict[str, Any]:
    """Return an engine with what its topologies offer."""
    return {
        "name": engine.name,
        "title": engine.title,
        "default_version": engine.default_version,
        "port": engine.port,
        "topologies": [_show_mode(mode) for mode in engine.modes],
        "parameters": [_show_parameter(parameter) for parameter in engine.changes.parameters],
        "point_in_time": bool(engine.backup.archiver_kind),
    }


def show_version(engine: Engine, version: Version) -> dict[str, Any]:
    """Return a version."""
    return {
        "name": version.name,
        "number": version.number,
        "distribution": version.distribution,
        "is_default": version.name == engine.default_version,
        "deprecated": version.deprecated,
        "end_of_life": version.end_of_life,
        "minimum_memory_mib": engine.minimum_memory_mib(version),
        "upgrades_to": [other.name for other in engine.upgrades(version.name)],
    }


def show_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan."""
    return {
        "name": plan.name,
        "title": plan.title,
        "cpu_millicores": plan.cpu_millicores,
        "memory_mib": plan.memory_mib,
        "storage_gib": plan.storage_gib,
        "is_default": plan.name == DEFAULT_PLAN,
    }


def _show_event(event: OperationEvent) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": event.at,
        "step": event.step or None,
        "event": event.event,
        "message": event.message,
        "attempt": event.attempt,
        "duration_ms": event.duration_ms,
    }


def _show_parameter(parameter: Parameter) -> dict[str, Any]:
    limits = {"minimum": parameter.minimum, "maximum": parameter.maximum, "allowed": list(parameter.allowed) or None}
    shown = {"name": parameter.name, "description": parameter.description}
    return {**shown, **{name: value for name, value in limits.items() if value is not None}}


def _show_mode(mode: Mode) -> dict[str, Any]:
    fields = [shown for known in mode.fields for shown in _show_fields(known)]
    return {"name": mode.name, "description": mode.description, "fields": fields}


def _show_fields(known: TopologyField, prefix: str = "") -> list[dict[str, Any]]:
    if isinstance(known, NodeCounts):
        return [shown for role in known.roles for shown in _show_fields(role, prefix=f"{known.name}.")]
    shown = {"name": prefix + known.name, "description": known.description, "default": known.default}
    if isinstance(known, Count):
        return [{**shown, "minimum": known.minimum, "maximum": known.maximum}]
    return [{**shown, "allowed": list(known.allowed)}]
