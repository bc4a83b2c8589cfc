"""The operations that we offer, found by looking in this folder: a new file with a `WORKFLOW` is a new operation."""

import importlib
import pkgutil
from functools import cache

from provisioning.workflow.declare import Workflow


@cache
def all_workflows() -> dict[str, Workflow]:
    """Return every workflow by kind, in alphabetical order."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    workflows: list[Workflow] = [module.WORKFLOW for module in modules]
    return {workflow.kind: workflow for workflow in sorted(workflows, key=lambda workflow: workflow.kind)}
