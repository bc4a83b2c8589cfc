"""Who a bearer token belongs to: the administrator or a service account."""

import orjson

from devcluster.apiserver.credentials import Credentials
from devcluster.apiserver.errors import Body, unauthorized
from devcluster.apiserver.rbac import AUTHENTICATED, User
from devcluster.apiserver.store import Key, Store

_PREFIX = "kubernetes.io/serviceaccount/"


class Authenticator:
    """Turns an Authorization header into a user."""

    def __init__(self, store: Store, credentials: Credentials) -> None:
        self._store = store
        self._credentials = credentials

    def user(self, header: str) -> User:
        """Give the user of a request.

        Raises: ApiError — 401, for no token, a wrong one, or one whose Secret or account is gone.
        """
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized()
        user = self._credentials.admin(token) or self._service_account(token)
        if user is None:
            raise unauthorized()
        return user

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
