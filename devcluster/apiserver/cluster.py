"""The parts of one API server, put together over one data directory; HTTP is in `web`."""

from pathlib import Path

import orjson

from devcluster.apiserver import credentials
from devcluster.apiserver.admission import Admission
from devcluster.apiserver.authentication import Authenticator
from devcluster.apiserver.controllers import Controllers
from devcluster.apiserver.faults import Faults
from devcluster.apiserver.kinds import Kinds
from devcluster.apiserver.rbac import Authorizer
from devcluster.apiserver.reads import Reader
from devcluster.apiserver.registry import CRDS, Registry
from devcluster.apiserver.schema import Schemas
from devcluster.apiserver.seeds import OWN_CRDS, Seeder
from devcluster.apiserver.store import Event, Store
from devcluster.apiserver.uses import Uses
from devcluster.apiserver.watches import Watches
from devcluster.apiserver.writes import Writer

DATABASE_FILE = "objects.sqlite3"
USES_FILE = "uses.jsonl"
"""What service accounts were allowed."""


class Cluster:
    """Everything behind the HTTP surface."""

    def __init__(self, directory: Path, *, crd_directory: Path | None = None, has_faults: bool = False) -> None:
        self.credentials = credentials.load_or_create(directory)
        self.store = Store(directory / DATABASE_FILE)
        self.registry = Registry()
        self.store.on_change(self._follow_definitions)
        self.authenticator = Authenticator(self.store, self.credentials)
        self.authorizer = Authorizer(self.store, Uses(directory / USES_FILE))
        self.reader = Reader(self.store)
        self.watches = Watches(self.store, self.reader)
        kinds = Kinds(self.store, self.credentials)
        self.writer = Writer(self.store, Schemas(), kinds, Admission(self.store))
        self.controllers = Controllers(self.store, self.registry, self.writer)
        self.faults = Faults() if has_faults else None
        Seeder(self.store, self.registry, self.writer).seed(crd_directory or OWN_CRDS)

    def _follow_definitions(self, event: Event) -> None:
        """Serve a kind from the moment that its CRD is stored until it is gone."""
        if event.key.resource != CRDS:
            return
        definition = orjson.loads(event.body)
        if event.type == "DELETED":
            self.registry.withdraw(definition)
        else:
            self.registry.serve(definition)

    def close(self) -> None:
        """Close the store."""
        self.store.close()
