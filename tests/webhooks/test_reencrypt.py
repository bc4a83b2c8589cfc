"""That every stored secret is moved to the newest key, once, as often as it is asked for, and that none is lost on the way."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from dbaas.api.management.commands import reencrypt
from dbaas.core.encryption import key_id_of, prefix_of, seal, unseal
from tenants.models import Tenant
from tests.cast import acting
from tests.webhooks.cast import webhook_of
from webhooks import endpoints
from webhooks.models import Endpoint

OLD = "old-key-" + "o" * 32
NEW = "new-key-" + "n" * 32


def run() -> str:
    told = StringIO()
    call_command("reencrypt", stdout=told)
    return told.getvalue()


@pytest.fixture
def secrets(alice: User, shop: Tenant, settings: Any) -> list[str]:
    """Three webhooks whose secrets the old key has encrypted, one of them with an old secret as well."""
    settings.ENCRYPTION_KEYS = [OLD]
    made = [webhook_of(alice, shop) for _ in range(3)]
    _, rotated = endpoints.rotate_secret(acting(alice), shop.id, made[0][0].id)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    return [rotated, made[1][1], made[2][1]]


def stored() -> list[str]:
    return [unseal(endpoint, "secret") for endpoint in Endpoint.objects.order_by("pk")]


def test_that_everything_moves_and_stays_readable(secrets: list[str], settings: Any) -> None:
    told = run()

    settings.ENCRYPTION_KEYS = [NEW]
    assert "webhooks_endpoint.secret: 3 moved" in told
    assert "webhooks_endpoint.old_secret: 1 moved" in told
    assert stored() == secrets
    assert unseal(Endpoint.objects.order_by("pk")[0], "old_secret").startswith("whsec_")
    assert "webhooks_endpoint.secret: 0 moved" in run()


def test_that_it_goes_on_where_it_was_stopped(
    secrets: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencrypt, "_PAGE", 1)
    moved = reencrypt._move_row
    calls: list[object] = []

    def killed(*arguments: Any) -> int:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return moved(*arguments)

    monkeypatch.setattr(reencrypt, "_move_row", killed)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(reencrypt, "_move_row", moved)
    assert stored() == secrets
    run()

    settings.ENCRYPTION_KEYS = [NEW]
    assert stored() == secrets


def test_that_what_nobody_can_read_is_named_and_the_rest_is_moved(secrets: list[str], settings: Any) -> None:
    lost = Endpoint.objects.order_by("pk")[1]
    Endpoint.objects.filter(pk=lost.pk).update(secret=f"{prefix_of('00000000')}AAAA")

    with pytest.raises(CommandError, match=f"webhooks_endpoint/secret/{lost.pk}"):
        run()

    settings.ENCRYPTION_KEYS = [NEW]
    moved = Endpoint.objects.exclude(pk=lost.pk).order_by("pk")
    assert [unseal(endpoint, "secret") for endpoint in moved] == [secrets[0], secrets[2]]


def test_that_a_secret_that_was_changed_meanwhile_stays_changed(
    alice: User, shop: Tenant, secrets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = Endpoint.objects.order_by("pk")[1]
    rotated: list[str] = []

    def overtaken(row: Any, column: str, plain: str) -> None:
        if row.pk == changing.pk and column == "secret" and not rotated:
            rotated.append(endpoints.rotate_secret(acting(alice), shop.id, changing.pk)[1])
        seal(row, column, plain)

    monkeypatch.setattr(reencrypt, "seal", overtaken)
    run()

    assert stored() == [secrets[0], rotated[0], secrets[2]]
    assert all(endpoint.secret.startswith(prefix_of(key_id_of(NEW))) for endpoint in Endpoint.objects.all())
