"""Who may do what: the one table of permissions, roles and scopes. Pure; docs/permissions.md is made from it.

A person may do what their role in a tenant allows. An API key may do what its owner may, narrowed to its scopes: it never adds anything.
Views name the permission that they need (accounts.api.permissions), services ask for it again where they know the tenant (tenants.access).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A member's role in one tenant, from least to most."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    ADMIN = "admin"
    OWNER = "owner"


class Scope(StrEnum):
    """What an API key may be narrowed to."""

    ACCOUNT_READ = "account:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    CATALOGUE_READ = "catalogue:read"
    TENANTS_READ = "tenants:read"
    TENANTS_WRITE = "tenants:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    AUDIT_READ = "audit:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    DATABASES_READ = "databases:read"
    DATABASES_WRITE = "databases:write"
    CREDENTIALS_READ = "credentials:read"
    LOGS_READ = "logs:read"
    BACKUPS_READ = "backups:read"
    BACKUPS_WRITE = "backups:write"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_WRITE = "operations:write"


class Permission(StrEnum):
    """What can be done; the values appear in documents and in refusals."""

    PUBLIC = "public"
    ACCOUNT_READ = "account.read"
    ACCOUNT_MANAGE = "account.manage"
    KEYS_READ = "keys.read"
    KEYS_WRITE = "keys.write"
    CATALOGUE_READ = "catalogue.read"
    TENANT_CREATE = "tenant.create"
    TENANT_READ = "tenant.read"
    TENANT_CHANGE = "tenant.change"
    TENANT_LEAVE = "tenant.leave"
    MEMBERS_READ = "members.read"
    INVITATIONS_READ = "invitations.read"
    MEMBERS_MANAGE = "members.manage"
    OWNERS_MANAGE = "owners.manage"
    AUDIT_READ = "audit.read"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_WRITE = "webhooks.write"
    DATABASES_READ = "databases.read"
    DATABASES_WRITE = "databases.write"
    CREDENTIALS_READ = "credentials.read"
    LOGS_READ = "logs.read"
    BACKUPS_READ = "backups.read"
    BACKUPS_WRITE = "backups.write"
    OPERATIONS_READ = "operations.read"
    OPERATIONS_WRITE = "operations.write"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a permission takes."""

    means: str
    least_role: Role | None = None
    """In the tenant in question; None where the question is not about a tenant."""
    scope: Scope | None = None
    """That an API key must have; None where no API key will do."""
    while_suspended: bool = False
    """Whether members of a suspended tenant still may."""
    for_anybody: bool = False
    """Whether it takes no credentials at all."""


def _reading(means: str, least_role: Role | None, scope: Scope) -> Rule:
    return Rule(means=means, least_role=least_role, scope=scope, while_suspended=True)


def _changing(means: str, least_role: Role | None, scope: Scope | None) -> Rule:
    return Rule(means=means, least_role=least_role, scope=scope)


_P, _R, _S = Permission, Role, Scope
RULES: Mapping[Permission, Rule] = {
    _P.PUBLIC: Rule(means="Log in, register, redeem a link from an e-mail.", for_anybody=True, while_suspended=True),
    _P.ACCOUNT_READ: _reading("Read one's own account.", None, _S.ACCOUNT_READ),
    _P.ACCOUNT_MANAGE: _changing("Change one's own log-in, end sessions, accept invitations.", None, None),
    _P.KEYS_READ: _reading("List one's own API keys.", None, _S.KEYS_READ),
    _P.KEYS_WRITE: _changing("Make and revoke one's own API keys.", None, _S.KEYS_WRITE),
    _P.CATALOGUE_READ: _reading("Read engines, versions, plans, regions.", None, _S.CATALOGUE_READ),
    _P.TENANT_CREATE: _changing("Make a tenant and own it.", None, _S.TENANTS_WRITE),
    _P.TENANT_READ: _reading("See the tenant and its quota.", _R.VIEWER, _S.TENANTS_READ),
    _P.TENANT_CHANGE: _changing("Change the tenant's name.", _R.ADMIN, _S.TENANTS_WRITE),
    _P.TENANT_LEAVE: _changing("Leave the tenant.", _R.VIEWER, _S.MEMBERS_WRITE),
    _P.MEMBERS_READ: _reading("See who belongs to the tenant.", _R.VIEWER, _S.MEMBERS_READ),
    _P.INVITATIONS_READ: _reading("See who is invited.", _R.ADMIN, _S.MEMBERS_READ),
    _P.MEMBERS_MANAGE: _changing("Invite, change and remove members.", _R.ADMIN, _S.MEMBERS_WRITE),
    _P.OWNERS_MANAGE: _changing("Make and unmake owners.", _R.OWNER, _S.MEMBERS_WRITE),
    _P.AUDIT_READ: _reading("Read the audit log.", _R.ADMIN, _S.AUDIT_READ),
    _P.WEBHOOKS_READ: _reading("See webhooks and their deliveries.", _R.DEVELOPER, _S.WEBHOOKS_READ),
    _P.WEBHOOKS_WRITE: _changing("Make, change, test and remove webhooks.", _R.ADMIN, _S.WEBHOOKS_WRITE),
    _P.DATABASES_READ: _reading("See databases, their events and metrics.", _R.VIEWER, _S.DATABASES_READ),
    _P.DATABASES_WRITE: _changing("Order, change, restore and delete databases.", _R.DEVELOPER, _S.DATABASES_WRITE),
    _P.CREDENTIALS_READ: _reading("Read a database's password.", _R.DEVELOPER, _S.CREDENTIALS_READ),
    _P.LOGS_READ: _reading("Read a database's log.", _R.DEVELOPER, _S.LOGS_READ),
    _P.BACKUPS_READ: _reading("See backups and backup policies.", _R.VIEWER, _S.BACKUPS_READ),
    _P.BACKUPS_WRITE: _changing("Take and delete backups, set policies.", _R.DEVELOPER, _S.BACKUPS_WRITE),
    _P.OPERATIONS_READ: _reading("Follow operations.", _R.VIEWER, _S.OPERATIONS_READ),
    _P.OPERATIONS_WRITE: _changing("Cancel and retry operations.", _R.DEVELOPER, _S.OPERATIONS_WRITE),
}
_RANK = {role: rank for rank, role in enumerate(Role)}

USUAL_SCOPES = tuple(scope for scope in Scope if scope != Scope.KEYS_WRITE)
"""Of a key that was made without naming any: whatever its owner may do, but no further keys, so that a stolen one can be revoked for good."""


def allows(role: Role, permission: Permission) -> bool:
    """Tell whether this role in a tenant is enough."""
    least = RULES[permission].least_role
    return least is None or _RANK[role] >= _RANK[least]


def opens(scopes: Collection[str] | None, permission: Permission) -> bool:
    """Tell whether a credential with these scopes is enough; None are the scopes of a session, which nothing narrows."""
    rule = RULES[permission]
    return scopes is None or rule.for_anybody or (rule.scope is not None and rule.scope in scopes)
