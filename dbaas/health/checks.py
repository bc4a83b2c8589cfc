"""The registry of what must work for this process to be of use. Applications register their own checks when they start (`AppConfig.ready`)."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import connection

_log = structlog.get_logger(__name__)

Check = Callable[[], None]
"""Returns if all is well, raises otherwise; must bound its own time (about a second)."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one check went."""

    name: str
    is_required: bool
    is_ok: bool
    latency_ms: float
    error: str | None
    """The kind of error only: details may hold addresses and credentials, and go to the log."""


@dataclass(frozen=True, kw_only=True)
class _Registered:
    check: Check
    is_required: bool


_registered: dict[str, _Registered] = {}


def register(name: str, check: Check, required: bool) -> None:
    """Add a check, or replace the one of this name. Without a required one the service is not ready, without another it is degraded."""
    _registered[name] = _Registered(check=check, is_required=required)


def unregister(name: str) -> None:
    """Take a check away; one that is not there is no error."""
    _registered.pop(name, None)


def run_all() -> list[Result]:
    """Run every check, in the order of their names."""
    return [_run(name, registered) for name, registered in sorted(_registered.items())]


def metadata_database() -> None:
    """Ask the metadata database for something trivial.

    Raises: django.db.Error — it does not answer.
    """
    connection.ensure_connection()
    if connection.vendor == "mongodb":
        connection.connection.admin.command("ping")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _run(name: str, registered: _Registered) -> Result:
    begin = time.perf_counter()
    error = error_of(registered.check, name)
    latency_ms = round((time.perf_counter() - begin) * 1000, 1)
    return Result(
        name=name, is_required=registered.is_required, is_ok=error is None, latency_ms=latency_ms, error=error
    )


def error_of(check: Check, name: str) -> str | None:
    """Return the kind of error that a check ends in, or None; the details go to the log."""
    try:
        check()
    except Exception as error:  # noqa: BLE001 -- whatever a check raises means that it failed
        _log.warning("health check failed", check=name, error=str(error))
        return type(error).__name__
    return None
