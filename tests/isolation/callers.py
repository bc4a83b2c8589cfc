"""Who calls in the matrix, and what each must be answered: it follows from the permission table and from nothing else."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts import api_keys
from accounts.api.routes import Route
from accounts.key_limits import KeyLimits
from accounts.models import ApiKey, User
from accounts.permissions import RULES, Permission, Role, Scope, allows
from dbaas.core.clock import SYSTEM_CLOCK
from tenants.models import Tenant
from tests.cast import Api, acting, person, tenant_of
from tests.isolation.estate import Estate
from tests.isolation.rows import Row

Answer = tuple[int, str | None]
"""Status, and the code of the problem where it matters which."""
LOCAL = "127.0.0.1/32"
ELSEWHERE = "198.51.100.0/24"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One route with everything that an answer depends on."""

    route: Route
    row: Row

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What the request takes, all of it."""
        assert self.route.permission is not None, f"{self.route.path} names no permission"
        return (self.route.permission, *([self.row.really] if self.row.really else []), *self.row.also)

    @property
    def is_public(self) -> bool:
        """Whether it takes no credentials."""
        return RULES[self.permissions[0]].for_anybody

    @property
    def is_of_tenant(self) -> bool:
        """Whether it is about something of one tenant; lists over all of the caller's tenants are not."""
        is_about_tenant = RULES[self.permissions[0]].least_role is not None
        return is_about_tenant and not (self.route.method == "GET" and "<" not in self.route.path)

    @property
    def scopes(self) -> list[str]:
        """Return the scopes that a key needs for it."""
        return [scope for permission in self.permissions if (scope := RULES[permission].scope)]

    @property
    def takes_keys(self) -> bool:
        """Whether any API key will do."""
        return all(RULES[permission].scope for permission in self.permissions)


def _key(api: Api, user: User, limits: KeyLimits) -> tuple[Api, ApiKey]:
    key, text = api_keys.create(acting(user), name="caller", limits=limits)
    return api.with_headers(X_API_Key=text), key


def _scopes(scopes: Iterable[str]) -> KeyLimits:
    return KeyLimits(scopes=tuple(scopes))


# what callers send


def anonymous(api: Api, _estate: Estate, _case: Case) -> Api:
    return api


def stranger(api: Api, _estate: Estate, _case: Case) -> Api:
    charlie = person("charlie")
    tenant_of(charlie, "other")
    return api.by(charlie)


def operator(api: Api, _estate: Estate, _case: Case) -> Api:
    user = person("operator")
    User.objects.filter(id=user.id).update(is_staff=True, is_superuser=True)
    return api.by(user)


def member(role: Role) -> Callable[[Api, Estate, Case], Api]:
    def call(api: Api, estate: Estate, _case: Case) -> Api:
        if role == Role.OWNER:
            return api.by(estate.owner)
        user = person(role)
        estate.admit(user, role)
        return api.by(user)

    return call


def suspended(api: Api, estate: Estate, _case: Case) -> Api:
    Tenant.objects.filter(id=estate.tenant.id).update(suspended_at=timezone.now())
    return api.by(estate.owner)


def expired_key(api: Api, estate: Estate, _case: Case) -> Api:
    client, key = _key(api, estate.owner, _scopes(Scope))
    ApiKey.objects.filter(id=key.id).update(expires_at=SYSTEM_CLOCK.now() - timedelta(seconds=1))
    return client


def revoked_key(api: Api, estate: Estate, _case: Case) -> Api:
    client, key = _key(api, estate.owner, _scopes(Scope))
    api_keys.revoke(acting(estate.owner), key.id)
    return client


def right_key(api: Api, estate: Estate, case: Case) -> Api:
    limits = KeyLimits(
        scopes=tuple(case.scopes or Scope),
        tenant_id=estate.tenant.id if case.is_of_tenant else None,
        allowed_networks=(LOCAL,),
    )
    return _key(api, estate.owner, limits)[0]


def wrong_scope_key(api: Api, estate: Estate, case: Case) -> Api:
    return _key(api, estate.owner, _scopes(set(Scope) - set(case.scopes[:1])))[0]


def too_few_scopes_key(api: Api, estate: Estate, case: Case) -> Api:
    """Have what the route names, but not what this body needs besides."""
    return _key(api, estate.owner, _scopes(set(Scope) - set(case.scopes[-1:])))[0]


def wrong_network_key(api: Api, estate: Estate, _case: Case) -> Api:
    return _key(api, estate.owner, KeyLimits(scopes=tuple(Scope), allowed_networks=(ELSEWHERE,)))[0]


def bound_elsewhere_key(api: Api, estate: Estate, _case: Case) -> Api:
    second = tenant_of(estate.owner, "second")
    return _key(api, estate.owner, KeyLimits(scopes=tuple(Scope), tenant_id=second.id))[0]


# what they must be answered


def _as_owner(case: Case) -> Answer:
    return case.row.status, None


def _of_foreigner(case: Case) -> Answer:
    return (404, None) if case.is_of_tenant or case.row.is_own else _as_owner(case)


def _of_operator(case: Case) -> Answer:
    return (case.row.of_operator, None) if case.row.of_operator else _of_foreigner(case)


def _of_member(role: Role) -> Callable[[Case], Answer]:
    def answer(case: Case) -> Answer:
        if case.row.is_own and role != Role.OWNER:
            return 404, None
        may = all(allows(role, permission) for permission in case.permissions)
        return _as_owner(case) if may or not case.is_of_tenant else (403, "permission.denied")

    return answer


def _of_suspended(case: Case) -> Answer:
    goes_on = all(RULES[permission].while_suspended for permission in case.permissions)
    return _as_owner(case) if goes_on or not case.is_of_tenant else (403, "tenant.suspended")


def _of_wrong_key(status: int, code: str) -> Callable[[Case], Answer]:
    return lambda _case: (status, code)


def _of_right_key(case: Case) -> Answer:
    return _as_owner(case) if case.takes_keys else (403, "api_key.scope_missing")


def _of_bound_elsewhere(case: Case) -> Answer:
    if not case.takes_keys:
        return 403, "api_key.scope_missing"
    if Permission.TENANT_CREATE in case.permissions:
        return 403, "api_key.bound_to_tenant"
    return _of_foreigner(case)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody who calls."""

    client: Callable[[Api, Estate, Case], Api]
    answer: Callable[[Case], Answer]

    def expected(self, case: Case) -> Answer:
        """Return what this caller must be answered; routes that take no credentials do not look at them."""
        return _as_owner(case) if case.is_public else self.answer(case)


_INVALID = _of_wrong_key(401, "auth.api_key_invalid")
CALLERS: dict[str, Caller] = {
    "anonymous": Caller(client=anonymous, answer=_of_wrong_key(401, "auth.required")),
    "stranger": Caller(client=stranger, answer=_of_foreigner),
    "operator": Caller(client=operator, answer=_of_operator),
    **{str(role): Caller(client=member(role), answer=_of_member(role)) for role in Role},
    "suspended": Caller(client=suspended, answer=_of_suspended),
    "expired key": Caller(client=expired_key, answer=_INVALID),
    "revoked key": Caller(client=revoked_key, answer=_INVALID),
    "right key": Caller(client=right_key, answer=_of_right_key),
    "wrong scope": Caller(client=wrong_scope_key, answer=_of_wrong_key(403, "api_key.scope_missing")),
    "too few scopes": Caller(client=too_few_scopes_key, answer=_of_wrong_key(403, "api_key.scope_missing")),
    "wrong network": Caller(client=wrong_network_key, answer=_of_wrong_key(403, "api_key.network_forbidden")),
    "bound elsewhere": Caller(client=bound_elsewhere_key, answer=_of_bound_elsewhere),
}
