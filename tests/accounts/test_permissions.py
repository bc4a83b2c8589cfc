import pytest

from tenants.roles import READS, Action, Role, allows, least_role

_EXPECTED = {
    Role.VIEWER: {Action.READ},
    Role.DEVELOPER: {Action.READ, Action.CHANGE_DATABASES, Action.READ_CREDENTIALS},
    Role.ADMIN: set(Action) - {Action.MANAGE_OWNERS},
    Role.OWNER: set(Action),
}


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_exactly_this(role: Role) -> None:
    assert {action for action in Action if allows(role, action)} == _EXPECTED[role]


@pytest.mark.parametrize("action", Action)
def test_every_action_has_a_least_role_that_may_do_it(action: Action) -> None:
    assert allows(least_role(action), action)


def test_a_suspended_tenant_can_only_be_read() -> None:
    assert {Action.READ, Action.READ_CREDENTIALS, Action.READ_AUDIT_LOG} == READS
