"""One pocket cluster with its operator for all tests of this folder that need one."""

from collections.abc import Iterator

import pytest

from tests.devcluster.operator.conftest import PocketCluster, pocket_cluster


@pytest.fixture(scope="session")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PocketCluster]:
    """A pocket cluster with its operator; tests keep apart by namespaces."""
    yield from pocket_cluster(tmp_path_factory.mktemp("operated"))
