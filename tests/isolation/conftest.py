"""What tests of isolation share: a tenant with one of everything, and no cluster at all."""

from collections.abc import Iterator
from typing import cast

import pytest

from accounts.models import User
from provisioning.cluster.client import Gateway
from provisioning.cluster.registry import clusters_reached_by
from tests.cast import person
from tests.isolation.estate import Estate, Silence, estate


@pytest.fixture(autouse=True)
def no_cluster() -> Iterator[None]:
    """Let no cluster answer."""
    with clusters_reached_by(lambda _reach: cast("Gateway", Silence())):
        yield


@pytest.fixture
def shop(alice: User) -> Estate:
    """Alice's tenant `shop`; somebody called stray has an account and belongs nowhere."""
    person("stray")
    return estate(alice, "shop")
