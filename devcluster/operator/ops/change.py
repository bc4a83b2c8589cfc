"""The type Change: what one type of request does. One type is one file in `types/`, found by looking in the folder."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import replace

from devcluster.operator.database import Database
from devcluster.operator.kube import Body
from devcluster.operator.ops import types
from devcluster.operator.ops.rollout import Rollout


class Change(ABC):
    """One type of OpsRequest. Both methods may run again after a kill, when some or all of their work is done."""

    type: str

    async def target(self, rollout: Rollout) -> Database:
        """Give the database as it has to become. Raises: RequestFailedError — nothing was changed yet."""
        return rollout.db

    @abstractmethod
    async def apply(self, rollout: Rollout, target: Database) -> None:
        """Bring the servers to the target. Raises: RequestFailedError, ServerError — the old state comes back."""


def with_spec(db: Database, spec: Body) -> Database:
    """Give the database with another spec; the object itself is not touched."""
    return replace(db, body={**db.body, "spec": spec})


def load_changes() -> dict[str, Change]:
    """Find the types of requests in their folder, by the name that `spec.type` has for them."""
    found: dict[str, Change] = {}
    for module in pkgutil.iter_modules(types.__path__, f"{types.__name__}."):
        change: Change = importlib.import_module(module.name).CHANGE()
        found[change.type] = change
    return found
