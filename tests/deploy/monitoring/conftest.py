"""What tests of the monitoring share: a small system that is well."""

from collections.abc import Callable

import pytest

from accounts.models import User
from provisioning.models import Cluster, Operation
from tenants.models import Tenant
from tests.cast import Api
from tests.deploy.monitoring.troubles import System, make_well
from tests.provisioning.conftest import nowhere, ordered

__all__ = ["nowhere", "ordered"]


@pytest.fixture
def system(api: Api, alice: User, shop: Tenant, nowhere: Cluster, ordered: Callable[..., Operation]) -> System:
    """A small system that is well."""
    make_well(nowhere)
    return System(api=api, owner=alice, tenant=shop, cluster=nowhere, ordered=ordered)
