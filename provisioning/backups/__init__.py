"""Who carries backups out in a cluster, found by the name that the cluster's row gives: a new driver is a new file here."""

import importlib
import pkgutil
from functools import cache

from provisioning.backups.driver import BackupDriver, NoBackupsHere
from provisioning.models import Cluster


@cache
def all_drivers() -> dict[str, BackupDriver]:
    """Return every driver by name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    drivers: list[BackupDriver] = [module.DRIVER for module in modules if hasattr(module, "DRIVER")]
    return {driver.name: driver for driver in drivers}


def driver_of(cluster: Cluster) -> BackupDriver:
    """Return the cluster's driver.

    Raises: NoBackupsHere.
    """
    try:
        return all_drivers()[cluster.backup_driver]
    except KeyError:
        raise NoBackupsHere from None
