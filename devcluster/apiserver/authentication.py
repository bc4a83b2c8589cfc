"""Who a bearer token belongs to: the administrator or a service account."""

import datetime as dt
import math
import time

import orjson
from multidict import MultiMapping

from devcluster.apiserver import shapes
from devcluster.apiserver.credentials import Credentials
from devcluster.apiserver.errors import Body, forbidden, unauthorized
from devcluster.apiserver.rbac import AUTHENTICATED, SUPERUSERS, User
from devcluster.apiserver.request import Request
from devcluster.apiserver.store import Key, Store

TOKEN_SECONDS = 3600
"""How long a requested token lives when the request does not say."""
_PREFIX = "kubernetes.io/serviceaccount/"


class Authenticator:
    """Turns an Authorization header into a user."""

    def __init__(self, store: Store, credentials: Credentials) -> None:
        self._store = store
        self._credentials = credentials

    def user(self, headers: MultiMapping[str]) -> User:
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
        return User(name=wanted, groups=(*headers.getall("Impersonate-Group", ()), AUTHENTICATED))

    def issue(self, request: Request, body: Body) -> Body:
        """Answer a TokenRequest: a token for a service account that ends by itself.

        Raises: ApiError — 404, for an account that does not exist.
        """
        account = self._metadata(request.key)
        if account is None:
            raise request.missing()
        seconds = (shapes.TOKEN_REQUEST.require(body).get("spec") or {}).get("expirationSeconds") or TOKEN_SECONDS
        end = dt.datetime.now(tz=dt.UTC) + dt.timedelta(seconds=seconds)
        claims = {
            "iss": "kubernetes/serviceaccount",
            _PREFIX + "namespace": request.namespace,
            _PREFIX + "service-account.name": request.name,
            _PREFIX + "service-account.uid": account["uid"],
            "sub": f"system:serviceaccount:{request.namespace}:{request.name}",
            "exp": int(end.timestamp()),
        }
        status = {"token": self._credentials.sign_token(claims), "expirationTimestamp": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        return {**body, "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "status": status}

    def _service_account(self, token: str) -> User | None:
        claims = self._credentials.read_token(token)
        if claims is None or claims.get("exp", math.inf) < time.time():
            return None
        namespace = claims[_PREFIX + "namespace"]
        account = self._metadata(Key("serviceaccounts", namespace, claims[_PREFIX + "service-account.name"]))
        if not account or account["uid"] != claims[_PREFIX + "service-account.uid"]:
            return None
        secret_name = claims.get(_PREFIX + "secret.name")
        if secret_name and not self._metadata(Key("secrets", namespace, secret_name)):
            return None
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
        return User(name=claims["sub"], groups=groups)

    def _metadata(self, key: Key) -> Body | None:
        stored = self._store.get(key)
        return orjson.loads(stored)["metadata"] if stored is not None else None
