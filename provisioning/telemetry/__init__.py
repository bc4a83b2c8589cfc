"""What /metrics says of databases and operations, read from the metadata database when it is asked for.

How processes count their own work is elsewhere (provisioning.counters).
"""

from prometheus_client.registry import Collector

from dbaas.health.readings import Readings
from provisioning.telemetry.backups import BACKUPS
from provisioning.telemetry.fleet import FLEET
from provisioning.telemetry.work import WORK


def collectors() -> list[Collector]:
    """Return one collector per pace at which its numbers are worth reading."""
    return [Readings([*WORK, *FLEET]), Readings(BACKUPS, keep_factor=6)]
