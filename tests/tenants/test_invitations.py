"""Tests that people join by letters alone, each good for one use, and that letters tell nobody who has an account."""

import re
import secrets
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core import mail
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import Forbidden
from tenants import invitations, members
from tenants.access import TenantSuspended
from tenants.models import Invitation, Membership, Tenant
from tests.cast import PASSWORD, Api, acting, body_of, join, person, problem, tenant_of

pytestmark = pytest.mark.django_db


def token_in(letter: object) -> str:
    """Return the token, which stands alone on its line."""
    found = re.search(r"^    ([\w-]{43})$", str(getattr(letter, "body", letter)), re.MULTILINE)
    assert found
    return found[1]


def invited(owner: User, tenant: Tenant, email: str, role: Role = Role.DEVELOPER) -> str:
    """Invite somebody, and return the token of the letter."""
    invitations.invite(acting(owner), tenant.id, email=email, role=role)
    return token_in(mail.outbox[-1])


def test_somebody_with_an_account_joins(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    made = api.by(alice).post(f"tenants/{shop.id}/invitations", {"email": "CHARLIE@example.com", "role": "developer"})
    token = token_in(mail.outbox[0])

    joined = api.by(charlie).post("invitations/accept", {"token": token})

    assert (made.status_code, mail.outbox[0].to) == (201, ["charlie@example.com"])
    assert body_of(joined) == {
        "tenant": str(shop.id),
        "user_id": str(charlie.id),
        "email": charlie.email,
        "role": "developer",
    }
    assert Membership.objects.get(tenant=shop, user=charlie).role == Role.DEVELOPER


def test_somebody_without_an_account_makes_one_and_joins(api: Api, shop: Tenant, alice: User) -> None:
    token = invited(alice, shop, "new@example.com")

    joined = api.post("invitations/register", {"token": token, "password": PASSWORD, "name": "New"})

    assert (joined.status_code, body_of(joined)["email"]) == (201, "new@example.com")
    assert api.post("auth/login", {"email": "new@example.com", "password": PASSWORD}).status_code == 200


def test_the_answer_does_not_tell_who_has_an_account(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    client, path = api.by(alice), f"tenants/{shop.id}/invitations"

    known, unknown = (
        body_of(client.post(path, {"email": email, "role": "viewer"})) for email in (charlie.email, "no@example.com")
    )

    varies = ("id", "email", "created_at", "sent_at", "expires_at")
    assert {name: known[name] for name in known if name not in varies} == {
        name: unknown[name] for name in unknown if name not in varies
    }
    first, second = (re.sub(r"[\w-]{43}", "", str(letter.body)) for letter in mail.outbox)
    assert first == second


def test_an_invitation_is_good_for_one_use(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    token = invited(alice, shop, charlie.email)
    api.by(charlie).post("invitations/accept", {"token": token})
    members.remove(acting(alice), shop.id, charlie.id)

    again = api.by(charlie).post("invitations/accept", {"token": token})

    assert problem(again) == (404, "invitation.invalid")


def test_of_two_who_accept_at_once_one_joins(
    at_once: Callable[[list[Callable[[], object]]], list[object]],
) -> None:
    owner, guest = person("owner"), person("guest")
    tenant = tenant_of(owner, "shop")
    token = invited(owner, tenant, guest.email)

    outcomes = at_once([lambda: invitations.accept(acting(guest), guest, token=token) for _ in range(4)])

    assert sum(isinstance(outcome, invitations.Joined) for outcome in outcomes) == 1
    assert Membership.objects.filter(tenant=tenant, user=guest).count() == 1


def test_it_ends_after_seven_days(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    token = invited(alice, shop, charlie.email)
    Invitation.objects.update(expires_at=SYSTEM_CLOCK.now())

    assert problem(api.by(charlie).post("invitations/accept", {"token": token})) == (404, "invitation.invalid")


def test_a_letter_that_was_handed_on_opens_nothing_and_stays_good(
    api: Api, shop: Tenant, alice: User, charlie: User
) -> None:
    token = invited(alice, shop, "dora@example.com")

    stolen = api.by(charlie).post("invitations/accept", {"token": token})

    assert problem(stolen) == (403, "invitation.other_address")
    assert api.by(person("dora")).post("invitations/accept", {"token": token}).status_code == 200


def test_a_letter_to_somebody_with_an_account_makes_no_second_one(
    api: Api, shop: Tenant, alice: User, charlie: User
) -> None:
    token = invited(alice, shop, charlie.email)

    response = api.post("invitations/register", {"token": token, "password": PASSWORD})

    assert problem(response) == (409, "account.email_taken")
    assert api.by(charlie).post("invitations/accept", {"token": token}).status_code == 200


def test_a_weak_password_does_not_use_the_letter_up(api: Api, shop: Tenant, alice: User) -> None:
    token = invited(alice, shop, "new@example.com")

    weak = api.post("invitations/register", {"token": token, "password": "12345678"})

    assert problem(weak) == (400, "request.invalid")
    assert api.post("invitations/register", {"token": token, "password": PASSWORD}).status_code == 201


def test_a_letter_sent_again_replaces_the_one_before(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    old = invited(alice, shop, charlie.email)
    invitation = Invitation.objects.get()
    path = f"tenants/{shop.id}/invitations/{invitation.id}/resend"
    too_soon = api.by(alice).post(path)
    Invitation.objects.update(sent_at=SYSTEM_CLOCK.now() - timedelta(minutes=1))

    sent = api.by(alice).post(path)

    assert problem(too_soon) == (409, "invitation.sent_just_now")
    assert too_soon["Retry-After"] == "60"
    assert sent.status_code == 200
    assert problem(api.by(charlie).post("invitations/accept", {"token": old})) == (404, "invitation.invalid")
    assert api.by(charlie).post("invitations/accept", {"token": token_in(mail.outbox[-1])}).status_code == 200


def test_two_who_send_it_again_at_once_send_one(
    shop: Tenant, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited(alice, shop, charlie.email)
    Invitation.objects.update(sent_at=None)
    invitation = Invitation.objects.get()
    token = secrets.token_urlsafe

    def somebody_is_quicker(_bytes: int) -> str:
        Invitation.objects.update(token_hash="0" * 64)
        return token(32)

    monkeypatch.setattr(secrets, "token_urlsafe", somebody_is_quicker)

    with pytest.raises(invitations.SentJustNow):
        invitations.send_again(acting(alice), shop.id, invitation.id)


def test_a_withdrawn_letter_is_worth_nothing(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    token = invited(alice, shop, charlie.email)
    path = f"tenants/{shop.id}/invitations"
    listed = body_of(api.by(alice).get(path))["items"]

    withdrawn = api.by(alice).delete(f"{path}/{listed[0]['id']}")

    assert (withdrawn.status_code, len(listed)) == (204, 1)
    assert body_of(api.by(alice).get(path))["items"] == []
    assert problem(api.by(alice).delete(f"{path}/{listed[0]['id']}")) == (404, "invitation.not_found")
    assert problem(api.by(charlie).post("invitations/accept", {"token": token})) == (404, "invitation.invalid")


def test_a_letter_that_is_accepted_this_moment_is_not_withdrawn(
    shop: Tenant, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = invited(alice, shop, charlie.email)
    invitation = Invitation.objects.get()
    found = invitations._open

    def somebody_accepts_first(*args: object) -> Invitation:
        opened: Invitation = found(*args)  # type: ignore[arg-type] # handed through
        invitations.accept(acting(charlie), charlie, token=token)
        return opened

    monkeypatch.setattr(invitations, "_open", somebody_accepts_first)

    with pytest.raises(invitations.InvitationNotFound):
        invitations.withdraw(acting(alice), shop.id, invitation.id)


def test_a_member_is_not_invited_and_nobody_twice(api: Api, shop: Tenant, alice: User, bob: User) -> None:
    client, path = api.by(alice), f"tenants/{shop.id}/invitations"
    client.post(path, {"email": "new@example.com", "role": "viewer"})

    assert problem(client.post(path, {"email": bob.email, "role": "viewer"})) == (409, "member.exists")
    assert problem(client.post(path, {"email": "new@example.com", "role": "admin"})) == (409, "invitation.exists")


def test_who_became_a_member_meanwhile_joins_no_second_time(shop: Tenant, alice: User, charlie: User) -> None:
    token = invited(alice, shop, charlie.email)
    join(alice, shop, charlie, Role.VIEWER)

    with pytest.raises(members.AlreadyMember):
        invitations.accept(acting(charlie), charlie, token=token)


def test_a_tenant_has_so_many_open_invitations_at_most(
    shop: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "MAX_OPEN", 1)
    invited(alice, shop, "first@example.com")

    with pytest.raises(invitations.TooManyInvitations):
        invited(alice, shop, "second@example.com")


def test_only_owners_invite_owners_and_touch_such_letters(shop: Tenant, alice: User, bob: User) -> None:
    members.change_role(acting(alice), shop.id, bob.id, role=Role.ADMIN)
    invited(alice, shop, "boss@example.com", Role.OWNER)
    letter = Invitation.objects.get()

    for attempt in (
        lambda: invitations.invite(acting(bob), shop.id, email="new@example.com", role=Role.OWNER),
        lambda: invitations.send_again(acting(bob), shop.id, letter.id),
        lambda: invitations.withdraw(acting(bob), shop.id, letter.id),
    ):
        with pytest.raises(Forbidden):
            attempt()


@pytest.mark.parametrize("is_removed", [False, True])
def test_who_may_no_longer_invite_has_no_letters_that_work(
    shop: Tenant, alice: User, bob: User, charlie: User, is_removed: bool
) -> None:
    members.change_role(acting(alice), shop.id, bob.id, role=Role.ADMIN)
    token = invited(bob, shop, charlie.email)
    if is_removed:
        members.remove(acting(alice), shop.id, bob.id)
    else:
        members.change_role(acting(alice), shop.id, bob.id, role=Role.DEVELOPER)

    with pytest.raises(invitations.InvitationInvalid):
        invitations.accept(acting(charlie), charlie, token=token)


def test_nobody_joins_a_suspended_tenant(shop: Tenant, alice: User, charlie: User) -> None:
    token = invited(alice, shop, charlie.email)
    Tenant.objects.update(suspended_at=SYSTEM_CLOCK.now())

    with pytest.raises(TenantSuspended):
        invitations.accept(acting(charlie), charlie, token=token)


def test_the_token_is_in_the_letter_alone(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    token = invited(alice, shop, charlie.email)

    stored = str(list(Invitation.objects.values())) + str(list(AuditEvent.objects.values()))

    assert token not in stored
    assert token not in api.by(alice).get(f"tenants/{shop.id}/invitations").content.decode()


def test_a_letter_that_no_server_took_can_be_seen_and_sent_again(
    api: Api, shop: Tenant, alice: User, settings: Settings
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
    path = f"tenants/{shop.id}/invitations"
    made = body_of(api.by(alice).post(path, {"email": "new@example.com", "role": "viewer"}))
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    sent = body_of(api.by(alice).post(f"{path}/{made['id']}/resend"))

    assert made["sent_at"] is None
    assert sent["sent_at"] is not None
    assert django_settings.PUBLIC_URL in str(mail.outbox[0].body)


def test_who_is_invited_gets_an_account_where_registration_is_closed(
    api: Api, shop: Tenant, alice: User, settings: Settings
) -> None:
    settings.OPEN_REGISTRATION = False
    token = invited(alice, shop, "new@example.com")

    closed = api.post("auth/register", {"email": alice.email, "password": PASSWORD})

    assert problem(closed) == (403, "account.registration_closed")
    assert api.post("invitations/register", {"token": token, "password": PASSWORD}).status_code == 201
