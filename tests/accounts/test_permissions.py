import pytest

from accounts.permissions import RULES, USUAL_SCOPES, Permission, Role, Scope, allows, opens

_DEVELOPERS = {
    Permission.DATABASES_WRITE,
    Permission.CREDENTIALS_READ,
    Permission.LOGS_READ,
    Permission.BACKUPS_WRITE,
    Permission.OPERATIONS_WRITE,
    Permission.WEBHOOKS_READ,
}
_ADMINS = {
    Permission.TENANT_CHANGE,
    Permission.MEMBERS_MANAGE,
    Permission.INVITATIONS_READ,
    Permission.AUDIT_READ,
    Permission.WEBHOOKS_WRITE,
}
_BY_ROLE = {
    Role.VIEWER: set(Permission) - _DEVELOPERS - _ADMINS - {Permission.OWNERS_MANAGE},
    Role.DEVELOPER: set(Permission) - _ADMINS - {Permission.OWNERS_MANAGE},
    Role.ADMIN: set(Permission) - {Permission.OWNERS_MANAGE},
    Role.OWNER: set(Permission),
}


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_exactly_this(role: Role) -> None:
    assert {permission for permission in Permission if allows(role, permission)} == _BY_ROLE[role]


def test_every_permission_has_a_rule_and_every_scope_a_permission() -> None:
    assert set(RULES) == set(Permission)
    assert {rule.scope for rule in RULES.values() if rule.scope} == set(Scope)


def test_a_suspended_tenant_can_only_be_read() -> None:
    kept = {permission for permission, rule in RULES.items() if rule.least_role and rule.while_suspended}

    assert {str(permission).rpartition(".")[2] for permission in kept} == {"read"}


def test_a_session_is_not_narrowed_by_scopes() -> None:
    assert all(opens(None, permission) for permission in Permission)


def test_a_key_with_every_scope_still_cannot_touch_its_owners_log_in() -> None:
    closed = {permission for permission in Permission if not opens(list(Scope), permission)}

    assert closed == {Permission.ACCOUNT_MANAGE}


def test_a_key_without_scopes_opens_nothing_but_what_is_public() -> None:
    assert {permission for permission in Permission if opens((), permission)} == {Permission.PUBLIC}


def test_a_usual_key_makes_no_further_keys() -> None:
    assert not opens(USUAL_SCOPES, Permission.KEYS_WRITE)
