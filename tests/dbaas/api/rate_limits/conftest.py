from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dbaas.api.rate_limits.valkey import Valkey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A server that runs."""
    server = Valkey(tmp_path).start()
    yield server
    server.stop()
