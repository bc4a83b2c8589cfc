"""That members see what was sent and how it went, have it sent again, and test a webhook."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from dbaas.core.clock import SYSTEM_CLOCK
from tenants.models import Tenant
from tests.cast import Api, body_of, problem
from tests.webhooks.cast import happened, webhook_of
from tests.webhooks.servers import answering, server
from webhooks.models import Delivery, DeliveryState, Endpoint
from webhooks.sending import LEASE, deliver

ANSWER = b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nbusy"


def path_to(webhook: Endpoint, *more: object) -> str:
    return "/".join(map(str, (f"tenants/{webhook.tenant_id}/webhooks/{webhook.id}", *more)))


def test_that_every_try_is_shown(api: Api, alice: User, shop: Tenant, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    with server(None, answering(ANSWER)) as there:
        webhook, _ = webhook_of(alice, shop, url=f"http://127.0.0.1:{there.port}/")
        (delivery,) = happened(shop)
        deliver(delivery.pk)

    shown = body_of(api.by(alice).get(path_to(webhook, "deliveries", delivery.id)))

    assert (shown["type"], shown["state"], shown["tries"]) == ("operation.failed", "pending", 1)
    assert (shown["last_status"], shown["event"]) == (500, str(delivery.event_id))
    assert shown["payload"]["id"] == str(delivery.event_id)
    assert [(try_["number"], try_["outcome"], try_["detail"]) for try_ in shown["attempts"]] == [(1, "refused", "busy")]


def test_that_the_log_is_newest_first_and_can_be_filtered(
    api: Api, alice: User, webhook: Endpoint, shop: Tenant
) -> None:
    first, second = happened(shop)[0], happened(shop)[0]
    Delivery.objects.filter(pk=first.pk).update(state=DeliveryState.FAILED)

    def ids(**query: str) -> list[str]:
        return [item["id"] for item in body_of(api.by(alice).get(path_to(webhook, "deliveries"), **query))["items"]]

    assert ids() == [str(second.id), str(first.id)]
    assert ids(state="failed") == [str(first.id)]
    assert ids(event=str(second.event_id)) == [str(second.id)]


def test_that_an_unknown_filter_value_is_told(api: Api, alice: User, webhook: Endpoint) -> None:
    assert problem(api.by(alice).get(path_to(webhook, "deliveries"), state="lost")) == (400, "request.invalid")


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.PENDING])
def test_that_a_message_is_sent_again_with_its_id(
    api: Api, alice: User, webhook: Endpoint, shop: Tenant, state: DeliveryState
) -> None:
    (delivery,) = happened(shop)
    Delivery.objects.filter(pk=delivery.pk).update(state=state, tries=9, next_attempt_at=None)

    accepted = api.by(alice).post(path_to(webhook, "deliveries", delivery.id, "redeliver"))

    shown = body_of(accepted)
    assert accepted.status_code == 202
    assert accepted["Location"] == f"/api/v1/{path_to(webhook, 'deliveries', delivery.id)}"
    assert (shown["id"], shown["event"], shown["state"]) == (str(delivery.id), str(delivery.event_id), "pending")
    assert (shown["tries"], shown["finished_at"]) == (0, None)
    assert AuditEvent.objects.filter(action="webhook.redelivered", object_id=str(webhook.id)).exists()


def test_that_what_is_being_sent_is_not_sent_again(api: Api, alice: User, webhook: Endpoint, shop: Tenant) -> None:
    (delivery,) = happened(shop)
    Delivery.objects.update(lease_until=SYSTEM_CLOCK.now() + LEASE)

    refused = api.by(alice).post(path_to(webhook, "deliveries", delivery.id, "redeliver"))

    assert problem(refused) == (409, "webhook.delivery_under_way")


def test_that_a_webhook_is_tested_whatever_its_filters(api: Api, alice: User, shop: Tenant) -> None:
    webhook, _ = webhook_of(alice, shop, "backup.missed")

    accepted = api.by(alice).post(path_to(webhook, "test"))

    shown = body_of(api.by(alice).get(accepted["Location"]))
    assert accepted.status_code == 202
    assert (shown["type"], shown["state"]) == ("webhook.test", "pending")
    assert Delivery.objects.get().next_attempt_at is not None


def test_that_a_webhook_that_is_off_sends_nothing_until_it_is_on(
    api: Api, alice: User, webhook: Endpoint, shop: Tenant
) -> None:
    (delivery,) = happened(shop)
    Endpoint.objects.update(failing_since=SYSTEM_CLOCK.now() - timedelta(days=1))

    off = api.by(alice).patch(path_to(webhook), {"enabled": False})
    again = api.by(alice).patch(path_to(webhook), {"enabled": False})
    tested = api.by(alice).post(path_to(webhook, "test"))
    resent = api.by(alice).post(path_to(webhook, "deliveries", delivery.id, "redeliver"))
    given_up = body_of(api.by(alice).get(path_to(webhook, "deliveries", delivery.id)))["state"]
    on = api.by(alice).patch(path_to(webhook), {"enabled": True})

    assert body_of(off)["disabled_because"]
    assert body_of(again)["disabled_at"] == body_of(off)["disabled_at"]
    assert problem(tested) == problem(resent) == (409, "webhook.disabled")
    assert given_up == "failed"
    assert (body_of(on)["enabled"], body_of(on)["failing_since"], body_of(on)["disabled_because"]) == (True, None, "")


def test_that_a_delivery_of_another_webhook_is_not_found(
    api: Api, alice: User, webhook: Endpoint, shop: Tenant
) -> None:
    other, _ = webhook_of(alice, shop, "backup.*")
    (delivery,) = happened(shop)

    assert delivery.endpoint_id == webhook.id
    assert problem(api.by(alice).get(path_to(other, "deliveries", delivery.id))) == (404, "webhook.delivery_not_found")


def test_that_a_removed_webhook_takes_its_log_along(api: Api, alice: User, webhook: Endpoint, shop: Tenant) -> None:
    happened(shop)

    api.by(alice).delete(path_to(webhook))

    assert not Delivery.objects.exists()
