"""The type Method: what KubeStash's addons and functions are to a database, for one engine.

A method is one file in `methods/`, found by looking in the folder; a kind without one is simulated, and so is every
database behind which no server runs.
"""

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from devcluster.operator.backup import methods
from devcluster.operator.backup.targets import Target
from devcluster.operator.backup.vault import Folder
from devcluster.operator.engine import Login
from devcluster.operator.site import Site

_STORED_PASSWORD = re.compile(r"SCRAM-SHA-256\$\S+|(?i:password)\s+'[^']*'")
LONGEST_MESSAGE = 500


class ToolError(Exception):
    """A tool could not do its work; the message is the tool's own, without passwords."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One task on one database."""

    site: Site
    target: Target
    login: Login
    folder: Folder
    parameters: Mapping[str, str] = field(default_factory=dict)

    def error(self, text: str) -> ToolError:
        """Give the error with what a tool said, shortened and without passwords."""
        return ToolError(redacted(text, self.login))


class Method(ABC):
    """The way of one engine."""

    plural: str

    @abstractmethod
    async def back_up(self, job: Job) -> None:
        """Write the parts of a logical backup. Raises: ToolError, ServerError, OSError."""

    async def back_up_files(self, job: Job) -> None:  # noqa: ARG002 - most engines have only the one kind
        """Write a backup of the servers' own files, from which logs can be replayed. Raises: ToolError."""
        raise ToolError("Task physical-backup is not played for this engine.")

    @abstractmethod
    async def restore(self, job: Job) -> None:
        """Bring the database to what the parts hold. Raises: ToolError, ServerError, OSError."""


def redacted(text: str, login: Login) -> str:
    """Give a message that may be shown: no password, no stored password, and not too long."""
    shown = text.replace(login.password, "***") if login.password else text
    shown = _STORED_PASSWORD.sub("***", shown).strip()
    return shown if len(shown) <= LONGEST_MESSAGE else f"...{shown[-LONGEST_MESSAGE:]}"


def load_methods() -> dict[str, Method]:
    """Find the methods in their folder, by the plural of their engine's kind."""
    found: dict[str, Method] = {}
    for module in pkgutil.iter_modules(methods.__path__, f"{methods.__name__}."):
        method: Method = importlib.import_module(module.name).METHOD
        found[method.plural] = method
    return found
