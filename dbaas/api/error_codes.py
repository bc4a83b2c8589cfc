"""The list of every error that clients can meet, read from the classes themselves, as docs/errors.md and as the page that `type` points at."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.conf import settings

from dbaas.api.problems import status_of, title_of
from dbaas.core.errors import Permanent, ProductError, Rejected, Transient

_ABSTRACT = (ProductError, Rejected, Transient, Permanent)
"""Never raised as such."""


@dataclass(frozen=True, kw_only=True)
class ErrorCode:
    """What a client should know about one kind of error."""

    code: str
    status: int
    title: str
    detail: str


def error_codes() -> list[ErrorCode]:
    """Return every kind of error, by code, once; import all modules of ours first, so that none is missed.

    Raises: ValueError — two classes have the same code.
    """
    _import_everything()
    found: dict[str, ErrorCode] = {}
    for kind in _subclasses(ProductError):
        if kind in _ABSTRACT or not kind.__module__.startswith(_our_packages()):
            continue
        if "code" not in vars(kind):
            raise ValueError(f"{kind.__module__}.{kind.__name__} has no code of its own.")
        if kind.code in found:
            raise ValueError(f"Two classes have the code {kind.code}; one is {kind.__module__}.{kind.__name__}.")
        detail = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        found[kind.code] = ErrorCode(code=kind.code, status=status_of(kind), title=title_of(kind), detail=detail)
    return sorted(found.values(), key=lambda item: item.code)


def as_markdown(codes: list[ErrorCode]) -> str:
    """Return docs/errors.md."""
    rows = [
        f'| <a id="{item.code}"></a>`{item.code}` | {item.status} | {item.title} | {item.detail} |' for item in codes
    ]
    return "\n".join(
        [
            "# Errors",
            "",
            "Every error is an RFC 9457 problem document (`application/problem+json`). Switch on its `code`; show people its `detail`.",
            "Statuses 502 and 503 mean that something behind us failed: after 503 the same request may succeed later.",
            "This page is made by `manage.py error_codes`; a test keeps it fresh.",
            "",
            "| code | status | title | what happened, and what to do |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _our_packages() -> tuple[str, ...]:
    names = [config.name for config in apps.get_app_configs()]
    return ("dbaas.core", *(name for name in names if (Path(settings.BASE_DIR) / name.partition(".")[0]).is_dir()))


def _import_everything() -> None:
    for name in _our_packages():
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if ".migrations" not in module.name and ".management" not in module.name:
                importlib.import_module(module.name)


def _subclasses(kind: type[ProductError]) -> Iterator[type[ProductError]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _subclasses(inner)
