"""Print docs/permissions.md from the table of permissions and the routes."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from accounts.api.routes import api_routes
from accounts.permissions import RULES, USUAL_SCOPES, Role, Scope, allows

_HEAD = """\
# Permissions

Who may do what. A person may do what their role in a tenant allows; an API key may do what its owner may, narrowed to
its scopes, its tenant and its networks. An object of a tenant that the caller does not belong to (or that the key is not
bound to) answers 404, as if it did not exist. In a suspended tenant everything can be read and nothing changed.
Operators (`is_operator`) have no more rights in the API than others; they work in the admin.

This page is made by `manage.py permissions` from `accounts/permissions.py` and the views; `make docs-check` keeps it fresh.
"""
_HOW = """\
## A new route

Name the permission on the method, below `@extend_schema`, and ask for it again in the service, where the tenant is known:

```python
@extend_schema(operation_id="list_things", ...)
@needs(Permission.THINGS_READ)          # accounts.api.permissions: the scope, before anything else happens
@raises(TenantNotFound, CursorInvalid)
def get(self, request: Request, tenant_id: UUID) -> Response: ...

def things_of(actor: Actor, tenant_id: UUID) -> QuerySet[Thing]:
    require(actor, tenant_id, Permission.THINGS_READ)   # tenants.access: the role, the key's tenant, suspension
    return Thing.objects.filter(tenant_id=tenant_id)
```

Lists over all tenants filter by `tenants.access.within_reach(actor)`. A method that names no permission is closed to
everybody. `tests/isolation` fails for one, and for a route without a row in `tests/isolation/rows.py`.
"""


class Command(BaseCommand):
    """Print the page; `make docs` writes it."""

    help = "Print docs/permissions.md: permissions, roles, scopes and routes."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print."""
        self.stdout.write("\n".join([_HEAD, *_permissions(), "", *_scopes(), "", *_routes(), "", _HOW]), ending="")


def _permissions() -> Iterator[str]:
    yield "## Permissions"
    yield ""
    yield f"| permission | what it allows | {' | '.join(Role)} | scope of a key | while suspended |"
    yield f"| --- | --- | {' | '.join('---' for _ in Role)} | --- | --- |"
    for permission, rule in RULES.items():
        is_about_tenant = rule.least_role is not None
        roles = " | ".join(("✓" if allows(role, permission) else "") if is_about_tenant else "-" for role in Role)
        suspended = ("✓" if rule.while_suspended else "") if is_about_tenant else "-"
        scope = f"`{rule.scope}`" if rule.scope else ("any" if rule.for_anybody else "no key")
        yield f"| `{permission}` | {rule.means} | {roles} | {scope} | {suspended} |"


def _scopes() -> Iterator[str]:
    yield "## Scopes of API keys"
    yield ""
    yield "| scope | opens | in a key that names none |"
    yield "| --- | --- | --- |"
    for scope in Scope:
        opened = ", ".join(f"`{permission}`" for permission, rule in RULES.items() if rule.scope == scope)
        yield f"| `{scope}` | {opened} | {'✓' if scope in USUAL_SCOPES else ''} |"


def _routes() -> Iterator[str]:
    yield "## Routes"
    yield ""
    yield "| route | permission |"
    yield "| --- | --- |"
    for route in api_routes():
        path = re.sub(r"<(?:uuid|int):\w+>", "{id}", re.sub(r"<str:(\w+)>", r"{\1}", route.path))
        yield f"| `{route.method} /api/v1/{path}` | `{route.permission}` |"
