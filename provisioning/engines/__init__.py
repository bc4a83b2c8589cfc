"""The engines we offer, found by looking in this folder: a new file with an `ENGINE` is a new engine."""

import importlib
import pkgutil
from functools import cache

from provisioning.engine import Engine


@cache
def all_engines() -> dict[str, Engine]:
    """Return every engine by name, in alphabetical order."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    engines: list[Engine] = [module.ENGINE for module in modules]
    return {engine.name: engine for engine in sorted(engines, key=lambda engine: engine.name)}
