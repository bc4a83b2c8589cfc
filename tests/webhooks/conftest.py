"""Fixtures of the tests of webhooks."""

import pytest

from accounts.models import User
from tenants.models import Tenant
from tests.webhooks.cast import webhook_of
from webhooks.models import Endpoint


@pytest.fixture
def webhook(alice: User, shop: Tenant) -> Endpoint:
    """A webhook of the tenant `shop` that wants everything."""
    return webhook_of(alice, shop)[0]
