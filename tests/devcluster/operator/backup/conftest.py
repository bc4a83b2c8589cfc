"""A cluster with a place for backups, as an administrator sets it up once."""

import pytest

from tests.devcluster.operator.backup.stage import with_storage
from tests.devcluster.operator.conftest import Namespace, PocketCluster


@pytest.fixture
def tenant(pocket: PocketCluster) -> Namespace:
    """Give a namespace of the test's own in a cluster with a storage for backups."""
    with_storage(pocket)
    return pocket.namespace()
