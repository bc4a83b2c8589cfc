"""Reconfigure: other configuration files, of the database or of one of its node types."""

import copy

from devcluster.operator.database import Database
from devcluster.operator.kube import Body
from devcluster.operator.ops.change import Change, with_spec
from devcluster.operator.ops.configuration import merged_files
from devcluster.operator.ops.request import RequestFailedError
from devcluster.operator.ops.rollout import Rollout
from devcluster.operator.ops.specs import place
from devcluster.operator.resources import SECRETS

RESTARTING = "RestartNeeded"


class Reconfigure(Change):
    """The type Reconfigure."""

    type = "Reconfigure"

    async def target(self, rollout: Rollout) -> Database:
        """Write the configuration into the spec, where secrets stay references."""
        block = rollout.request.block("configuration")
        if block.get("auth"):
            raise RequestFailedError("Users of an access control list are not supported")
        spec = copy.deepcopy(rollout.db.spec)
        parts = rollout.engine.parts(rollout.db)
        for name, part in parts.items():
            if isinstance(block.get(name), dict):
                _configure(place(spec, part.path), block[name])
        unknown = [name for name, value in block.items() if _is_node_type(value) and name not in parts]
        if unknown:
            raise RequestFailedError(f"{rollout.engine.kind} {rollout.db.name} has no node type {unknown[0]}")
        _configure(spec, block)
        target = with_spec(rollout.db, spec)
        await _check_secrets(rollout, [block, *(value for value in block.values() if isinstance(value, dict))])
        return target

    async def apply(self, rollout: Rollout, target: Database) -> None:
        """Load the configuration, with a restart of all pods where it is needed or asked for."""
        wanted = rollout.request.block("configuration").get("restart", "auto")
        workload, states = await rollout.prepare(target)
        is_real = rollout.engine.running_version(target) is not None
        if is_real and not rollout.progress.has(RESTARTING):
            await rollout.engine.refresh(workload)
        is_needed = wanted == "true" or (wanted == "auto" and await rollout.engine.needs_restart(workload))
        if is_needed or rollout.progress.has(RESTARTING):
            # Written down, because a server that was restarted already would not say so any more.
            await rollout.progress.note(RESTARTING, "The configuration takes effect with a restart")
            await rollout.restart(target)
        else:
            await rollout.complete(workload, states)
        await rollout.progress.note("ReconfigureNodes", "The configuration is in effect")


def _is_node_type(value: object) -> bool:
    return isinstance(value, dict) and bool({"configSecret", "applyConfig", "removeCustomConfig"} & value.keys())


def _configure(node: Body, block: Body) -> None:
    configuration = dict(node.get("configuration") or {})
    if block.get("removeCustomConfig"):
        configuration = {}
    if name := (block.get("configSecret") or {}).get("name"):
        configuration["secretName"] = name
    if block.get("applyConfig"):
        configuration["inline"] = merged_files(configuration.get("inline") or {}, block["applyConfig"])
    if block.get("tuning"):
        configuration["tuning"] = {**(configuration.get("tuning") or {}), **block["tuning"]}
    if configuration:
        node["configuration"] = configuration
    else:
        node.pop("configuration", None)
    if block.get("removeSecureCustomConfig"):
        node.pop("secureConfigSecret", None)
    if name := (block.get("secureConfigSecret") or {}).get("name"):
        node["secureConfigSecret"] = {"name": name}


async def _check_secrets(rollout: Rollout, blocks: list[Body]) -> None:
    names = [
        block[key].get("name") for block in blocks for key in ("configSecret", "secureConfigSecret") if block.get(key)
    ]
    for name in filter(None, names):
        if await rollout.workloads.site.kube.find(SECRETS, rollout.db.namespace, name) is None:
            raise RequestFailedError(f"Secret {name} with the configuration is not found")


CHANGE = Reconfigure
