"""From what a customer wants a database's size to be, to what it will be: checked against the engine's rules before anything is accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbaas.core.errors import FieldError
from provisioning.engine import Engine, Topology
from provisioning.models import Database
from provisioning.orders import InvalidOrder, check_together, check_topology
from provisioning.sizes import (
    MAX_CPU_MILLICORES,
    MAX_MEMORY_MIB,
    MAX_STORAGE_GIB,
    MIN_CPU_MILLICORES,
    MIN_MEMORY_MIB,
    PLANS,
    Resources,
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a database will have."""

    topology: Topology
    resources: Resources


def check_resize(database: Database, engine: Engine, body: Mapping[str, Any]) -> Size:
    """Return the size that the body asks for.

    Raises: InvalidOrder — with every field that must change.
    """
    problems: list[FieldError] = []
    cpu_millicores, memory_mib = _compute(database, body, problems)
    resources = Resources(
        cpu_millicores=cpu_millicores, memory_mib=memory_mib, storage_gib=_storage(database, body, problems)
    )
    topology = _topology(database, engine, body.get("topology"), problems)
    version = engine.version(database.version)
    if topology is not None and version is not None:
        check_together(engine, version, topology, resources, problems)
    if topology is not None and not problems and _is_same(database, topology, resources):
        problems.append(FieldError(field="", message="The database has this size already.", code="nothing_to_do"))
    if problems or topology is None:
        raise InvalidOrder("The database cannot be scaled as asked for: see the errors by field.", errors=problems)
    return Size(topology=topology, resources=resources)


def _is_same(database: Database, topology: Topology, resources: Resources) -> bool:
    now = Resources(
        cpu_millicores=database.cpu_millicores, memory_mib=database.memory_mib, storage_gib=database.storage_gib
    )
    return topology == database.topology and resources == now


def _compute(database: Database, body: Mapping[str, Any], problems: list[FieldError]) -> tuple[int, int]:
    plan = body.get("plan")
    asked = body.get("cpu_millicores"), body.get("memory_mib")
    if plan is None:
        return (
            _between(
                "cpu_millicores", asked[0], database.cpu_millicores, MIN_CPU_MILLICORES, MAX_CPU_MILLICORES, problems
            ),
            _between("memory_mib", asked[1], database.memory_mib, MIN_MEMORY_MIB, MAX_MEMORY_MIB, problems),
        )
    if asked != (None, None):
        message = "says processor and memory already: send either the plan or the amounts."
        problems.append(FieldError(field="plan", message=message, code="ambiguous"))
    if plan not in PLANS:
        message = f"unknown; there are: {', '.join(PLANS)}."
        problems.append(FieldError(field="plan", message=message, code="unknown_plan"))
        return database.cpu_millicores, database.memory_mib
    return PLANS[plan].cpu_millicores, PLANS[plan].memory_mib


def _between(name: str, asked: int | None, now: int, least: int, most: int, problems: list[FieldError]) -> int:
    if asked is not None and not least <= asked <= most:
        problems.append(FieldError(field=name, message=f"must be between {least} and {most}.", code="out_of_range"))
    return now if asked is None else asked


def _storage(database: Database, body: Mapping[str, Any], problems: list[FieldError]) -> int:
    now = database.storage_gib
    wanted = body.get("storage_gib")
    asked: int = now if wanted is None else wanted
    if asked < now:
        message = f"a disk cannot shrink: it has {now} GiB. To use less, restore a backup into a new, smaller database."
        problems.append(FieldError(field="storage_gib", message=message, code="cannot_shrink"))
    if asked > MAX_STORAGE_GIB:
        message = f"at most {MAX_STORAGE_GIB} GiB."
        problems.append(FieldError(field="storage_gib", message=message, code="out_of_range"))
    return asked


def _topology(
    database: Database, engine: Engine, asked: Mapping[str, Any] | None, problems: list[FieldError]
) -> Topology | None:
    now: dict[str, Any] = database.topology
    if not asked:
        return now
    if fixed := [name for name, value in asked.items() if isinstance(value, str) and value != now.get(name)]:
        message = "cannot change: restore a backup into a new database that is laid out so."
        problems.append(FieldError(field=f"topology.{fixed[0]}"[:80], message=message, code="cannot_change"))
        return None
    wish = {name: _merged(now.get(name), value) for name, value in {**now, **asked}.items()}
    found = check_topology(wish, engine, problems)
    if found is not None and found != now:
        problems += engine.changes.refuse_members(now, found)
    return found


def _merged(now: object, asked: object) -> object:
    """Return numbers by role with those that were asked for in place of the present ones."""
    return {**now, **asked} if isinstance(now, dict) and isinstance(asked, dict) else asked
