from collections.abc import Callable

import pytest

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from dbaas.core.errors import Forbidden
from tenants import invitations, members
from tenants.models import Membership, Tenant
from tests.cast import acting, join, person, tenant_of


def _owners(tenant: Tenant) -> int:
    return Membership.objects.filter(tenant=tenant, role=Role.OWNER).count()


def test_an_admin_manages_members_but_not_owners(shop: Tenant, alice: User, bob: User, charlie: User) -> None:
    members.change_role(acting(alice), shop.id, bob.id, role=Role.ADMIN)

    join(bob, shop, charlie, Role.VIEWER)
    members.change_role(acting(bob), shop.id, charlie.id, role=Role.ADMIN)

    for attempt in (
        lambda: members.change_role(acting(bob), shop.id, charlie.id, role=Role.OWNER),
        lambda: members.change_role(acting(bob), shop.id, alice.id, role=Role.VIEWER),
        lambda: members.remove(acting(bob), shop.id, alice.id),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert _owners(shop) == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
def test_smaller_roles_manage_nobody(shop: Tenant, alice: User, bob: User, charlie: User, role: Role) -> None:
    members.change_role(acting(alice), shop.id, bob.id, role=role)

    with pytest.raises(Forbidden):
        invitations.invite(acting(bob), shop.id, email=charlie.email, role=Role.VIEWER)
    with pytest.raises(Forbidden):
        members.remove(acting(bob), shop.id, alice.id)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_the_last_owner_cannot_be_demoted(shop: Tenant, alice: User, role: Role) -> None:
    with pytest.raises(members.LastOwner):
        members.change_role(acting(alice), shop.id, alice.id, role=role)

    assert _owners(shop) == 1


def test_the_last_owner_cannot_leave(shop: Tenant, alice: User) -> None:
    with pytest.raises(members.LastOwner):
        members.remove(acting(alice), shop.id, alice.id)


def test_an_owner_may_go_when_another_stays(shop: Tenant, alice: User, bob: User) -> None:
    members.change_role(acting(alice), shop.id, bob.id, role=Role.OWNER)

    members.remove(acting(alice), shop.id, alice.id)

    assert list(Membership.objects.filter(tenant=shop).values_list("user_id", "role")) == [(bob.id, "owner")]


def test_everybody_may_leave(shop: Tenant, bob: User) -> None:
    members.remove(acting(bob), shop.id, bob.id)

    assert not Membership.objects.filter(user=bob).exists()


def test_nobody_is_a_member_twice(shop: Tenant, alice: User, bob: User) -> None:
    with pytest.raises(members.AlreadyMember):
        join(alice, shop, bob, Role.ADMIN)


def test_who_is_no_member_can_be_neither_changed_nor_removed(shop: Tenant, alice: User, charlie: User) -> None:
    with pytest.raises(members.MemberNotFound):
        members.change_role(acting(alice), shop.id, charlie.id, role=Role.ADMIN)
    with pytest.raises(members.MemberNotFound):
        members.remove(acting(alice), shop.id, charlie.id)


def test_changes_are_audited(shop: Tenant, alice: User, bob: User) -> None:
    members.change_role(acting(alice), shop.id, bob.id, role=Role.ADMIN)
    members.remove(acting(alice), shop.id, bob.id)

    events = AuditEvent.objects.filter(tenant_id=shop.id, object_id=str(bob.id)).order_by("at", "action")
    assert {(event.action, event.detail.get("role")) for event in events} == {
        ("member.added", "viewer"),
        ("member.role_changed", "admin"),
        ("member.removed", "admin"),
    }


def test_two_owners_who_leave_at_once_do_not_both_leave(
    at_once: Callable[[list[Callable[[], None]]], list[Exception | None]],
) -> None:
    for turn in range(5):
        first, second = person(f"first{turn}"), person(f"second{turn}")
        tenant = tenant_of(first, f"shop-{turn}")
        join(first, tenant, second, Role.OWNER)

        def leave(user: User, tenant: Tenant = tenant) -> None:
            members.remove(acting(user), tenant.id, user.id)

        outcomes = at_once([lambda leave=leave, user=user: leave(user) for user in (first, second)])  # type: ignore[misc] # bound per turn

        assert sum(outcome is None for outcome in outcomes) == 1
        assert _owners(tenant) == 1


def test_a_change_between_look_and_write_is_noticed(
    shop: Tenant, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    members.change_role(acting(alice), shop.id, bob.id, role=Role.OWNER)
    look = Membership.objects.filter

    def somebody_else_is_quicker(*args: object, **kwargs: object) -> object:
        Tenant.objects.filter(id=shop.id).update(membership_version=99)
        return look(*args, **kwargs)

    monkeypatch.setattr(Membership.objects, "filter", somebody_else_is_quicker)

    with pytest.raises(members.MembersChanged):
        members._leave_an_owner_besides(alice.id, shop.id)
