"""What each role may do. Pure: no database, no request; who has which role is asked in tenants.access."""

from enum import StrEnum


class Role(StrEnum):
    """A member's role in one tenant, from least to most."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    ADMIN = "admin"
    OWNER = "owner"


class Action(StrEnum):
    """What may be done in a tenant; the values appear in audit events."""

    READ = "tenant.read"
    CHANGE_DATABASES = "databases.change"
    READ_CREDENTIALS = "credentials.read"
    MANAGE_MEMBERS = "members.manage"
    CHANGE_TENANT = "tenant.change"
    READ_AUDIT_LOG = "audit_log.read"
    MANAGE_OWNERS = "owners.manage"


_LEAST_ROLE = {
    Action.READ: Role.VIEWER,
    Action.CHANGE_DATABASES: Role.DEVELOPER,
    Action.READ_CREDENTIALS: Role.DEVELOPER,
    Action.MANAGE_MEMBERS: Role.ADMIN,
    Action.CHANGE_TENANT: Role.ADMIN,
    Action.READ_AUDIT_LOG: Role.ADMIN,
    Action.MANAGE_OWNERS: Role.OWNER,
}
_RANK = {role: rank for rank, role in enumerate(Role)}
READS = frozenset({Action.READ, Action.READ_CREDENTIALS, Action.READ_AUDIT_LOG})
"""What a suspended tenant's members may still do."""


def least_role(action: Action) -> Role:
    """Return the smallest role that may do this."""
    return _LEAST_ROLE[action]


def allows(role: Role, action: Action) -> bool:
    """Tell whether this role may do this."""
    return _RANK[role] >= _RANK[_LEAST_ROLE[action]]
