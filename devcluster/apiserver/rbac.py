"""Role-based access control over the stored Roles and Bindings. It answers yes or no; nothing is granted by default.

Escalation checks on writing roles, which the real server has, are left out: a laptop's cluster has one administrator.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from devcluster.apiserver.errors import ApiError, Body, forbidden
from devcluster.apiserver.store import Event, Key, Store
from devcluster.apiserver.uses import Uses

_GROUP = ".rbac.authorization.k8s.io"
SUPERUSERS = "system:masters"
AUTHENTICATED = "system:authenticated"
_ACCOUNT = "system:serviceaccount:"
_OPEN_TO_AUTHENTICATED = frozenset({"selfsubjectaccessreviews", "selfsubjectreviews"})


@dataclass(frozen=True, kw_only=True)
class User:
    """Who asks."""

    name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Access:
    """What is asked for; an empty namespace means the whole cluster."""

    verb: str
    group: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def resource(self) -> str:
        """Give the resource as rules name it, `pods/log` for a subresource."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


class Authorizer:
    """Evaluates rules, which it keeps in memory until a role or a binding changes."""

    def __init__(self, store: Store, uses: Uses) -> None:
        self._store = store
        self._uses = uses
        self._kept: dict[str, list[tuple[Key, Body]]] = {}
        store.on_change(self._forget)

    def _forget(self, event: Event) -> None:
        if event.key.resource.endswith(_GROUP):
            self._kept.clear()

    def require(self, user: User, access: Access) -> None:
        """Let the request pass or refuse it.

        Raises: ApiError — 403 in Kubernetes' words.
        """
        if not self.allows(user, access):
            raise _refusal(user, access)
        if user.name.startswith(_ACCOUNT):
            account, resource = user.name.removeprefix(_ACCOUNT), access.resource
            self._uses.note(account, access.verb, access.group, resource, is_cluster_wide=not access.namespace)

    def allows(self, user: User, access: Access) -> bool:
        """Tell whether any rule grants the access."""
        if SUPERUSERS in user.groups:
            return True
        if access.verb == "create" and access.plural in _OPEN_TO_AUTHENTICATED:
            return True
        return any(_grants(rule, access) for rule in self._rules(user, access.namespace))

    def _objects(self, plural: str) -> list[tuple[Key, Body]]:
        if plural not in self._kept:
            rows = self._store.list_objects(plural + _GROUP)
            self._kept[plural] = [(key, orjson.loads(body)) for key, body in rows]
        return self._kept[plural]

    def _rules(self, user: User, namespace: str) -> Iterable[Body]:
        for _, binding in self._objects("clusterrolebindings"):
            if _binds(binding, user, ""):
                yield from self._role_rules(binding["roleRef"], "")
        for key, binding in self._objects("rolebindings") if namespace else ():
            if key.namespace == namespace and _binds(binding, user, namespace):
                yield from self._role_rules(binding["roleRef"], namespace)

    def _role_rules(self, reference: Mapping[str, str], namespace: str) -> Sequence[Body]:
        is_cluster_role = reference["kind"] == "ClusterRole"
        wanted = ("" if is_cluster_role else namespace, reference["name"])
        for key, role in self._objects("clusterroles" if is_cluster_role else "roles"):
            if (key.namespace, key.name) == wanted:
                return role.get("rules") or ()
        return ()


def _binds(binding: Body, user: User, namespace: str) -> bool:
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "User" and name == user.name:
            return True
        if kind == "Group" and name in user.groups:
            return True
        account = f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"
        if kind == "ServiceAccount" and account == user.name:
            return True
    return False


def _names(listed: object, wanted: str) -> bool:
    return isinstance(listed, list) and ("*" in listed or wanted in listed)


def _grants(rule: Body, access: Access) -> bool:
    if not _names(rule.get("verbs"), access.verb) or not _names(rule.get("apiGroups"), access.group):
        return False
    any_parent = f"*/{access.subresource}" if access.subresource else access.resource
    if not _names(rule.get("resources"), access.resource) and any_parent not in (rule.get("resources") or ()):
        return False
    allowed_names = rule.get("resourceNames")
    return not allowed_names or access.name in allowed_names


def _refusal(user: User, access: Access) -> ApiError:
    where = f'in the namespace "{access.namespace}"' if access.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {access.verb} resource "{access.resource}" in API group "{access.group}" {where}'
    return forbidden(access.plural, access.group, access.name, why)
