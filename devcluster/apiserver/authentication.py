"""Who a bearer token belongs to: the administrator or a service account."""

from collections.abc import Mapping

import orjson

from devcluster.apiserver.credentials import Credentials
from devcluster.apiserver.errors import Body, forbidden, unauthorized
from devcluster.apiserver.rbac import AUTHENTICATED, SUPERUSERS, User
from devcluster.apiserver.store import Key, Store

_PREFIX = "kubernetes.io/serviceaccount/"


class Authenticator:
    """Turns an Authorization header into a user."""

    def __init__(self, store: Store, credentials: Credentials) -> None:
        self._store = store
        self._credentials = credentials

    def user(self, headers: Mapping[str, str]) -> User:
        """Give the user of a request, who may be one that the administrator impersonates.

        Raises: ApiError — 401, for no token, a wrong one, or one whose Secret or account is gone; 403, for
        impersonation by anybody else.
        """
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized()
        user = self._credentials.admin(token) or self._service_account(token)
        if user is None:
            raise unauthorized()
        wanted = headers.get("Impersonate-User")
        if not wanted:
            return user
        if SUPERUSERS not in user.groups:
            why = f'User "{user.name}" cannot impersonate resource "users" in API group "" at the cluster scope'
            raise forbidden("users", "", wanted, why)
        group = headers.get("Impersonate-Group")
        return User(name=wanted, groups=(group, AUTHENTICATED) if group else (AUTHENTICATED,))

    def _service_account(self, token: str) -> User | None:
        claims = self._credentials.read_token(token)
        if claims is None:
            return None
        namespace = claims[_PREFIX + "namespace"]
        account = self._metadata(Key("serviceaccounts", namespace, claims[_PREFIX + "service-account.name"]))
        secret = self._metadata(Key("secrets", namespace, claims[_PREFIX + "secret.name"]))
        if not account or not secret or account["uid"] != claims[_PREFIX + "service-account.uid"]:
            return None
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
        return User(name=claims["sub"], groups=groups)

    def _metadata(self, key: Key) -> Body | None:
        stored = self._store.get(key)
        return orjson.loads(stored)["metadata"] if stored is not None else None
