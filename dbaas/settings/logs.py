"""Logging: structlog for ours and the libraries' lines alike; coloured lines on a laptop, JSON in production."""

import sys
from typing import Any

import structlog

from dbaas.core.redaction import REDACTED, names_secret, redact, without_secrets

_WHOLE = frozenset({"exception", "stack"})
"""Never cut: the last lines of a traceback are the ones that say what happened."""


def redact_event(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Take what looks like a credential out of everything that a log line says, by its look and by its name."""
    return {name: value if name.startswith("_") else _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if names_secret(name):
        return REDACTED
    if isinstance(value, dict):
        return {str(inner): _clean(str(inner), content) for inner, content in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", content) for content in value]
    text = value if isinstance(value, str) else repr(value)
    return without_secrets(text) if name in _WHOLE else redact(text)


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    redact_event,
]


def logging_from(*, level: str, log_format: str) -> dict[str, Any]:
    """Return Django's LOGGING and set structlog up to go the same way."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            "urllib3.connectionpool": {"level": "ERROR"},
        },
    }
