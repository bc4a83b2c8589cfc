"""That messages that nobody sends make the service degraded, and nothing else does."""

from datetime import timedelta

import pytest

from dbaas.core.clock import SYSTEM_CLOCK
from tenants.models import Tenant
from tests.webhooks.cast import happened
from webhooks.health import WebhooksBehind, require_prompt_messages
from webhooks.models import Delivery, Endpoint


def test_that_it_fails_only_while_a_message_waits_for_long(webhook: Endpoint, shop: Tenant) -> None:
    happened(shop)
    require_prompt_messages()
    Delivery.objects.update(next_attempt_at=SYSTEM_CLOCK.now() - timedelta(minutes=6))

    with pytest.raises(WebhooksBehind, match="360 s"):
        require_prompt_messages()

    assert webhook.is_enabled
