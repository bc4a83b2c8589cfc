"""The people and tenants that tests are about, and the client they call with: alice owns the tenant "shop", bob views it, charlie is a stranger."""

from typing import Any, Self

import orjson
from django.http import HttpResponse
from django.test import Client

from accounts.actor import Actor, Credential, Origin, Via, actor_of
from accounts.models import User
from accounts.permissions import Role
from accounts.tokens import issue_access
from tenants import members, services
from tenants.models import Tenant

PASSWORD = "a long pass phrase"


def person(name: str) -> User:
    """Return a new person, `<name>@example.com`, with `PASSWORD`."""
    return User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.capitalize())


def acting(user: User) -> Actor:
    """Return this person as an actor, for calling services."""
    return actor_of(user, Origin(address="192.0.2.1", request_id="test"), Credential(via=Via.SESSION))


def tenant_of(owner: User, name: str = "shop") -> Tenant:
    """Return a new tenant of this owner."""
    return services.create(acting(owner), name=name)


def join(owner: User, tenant: Tenant, user: User, role: Role) -> None:
    """Make somebody a member, as if the owner's invitation had been accepted."""
    members.admit(acting(owner), tenant.id, user, role=role)


class Api:
    """Call the API as a client would: JSON in, and the whole stack of middlewares in between."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self._headers = headers or {}
        self.client = Client(raise_request_exception=False)

    def by(self, user: User) -> Self:
        """Return a client that calls with this person's access token."""
        return type(self)({**self._headers, "Authorization": f"Bearer {issue_access(user)}"})

    def with_headers(self, **headers: str) -> Self:
        """Return a client that sends these headers too; underscores in names stand for hyphens."""
        return type(self)({**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}})

    def get(self, path: str, **query: Any) -> HttpResponse:
        """GET /api/v1/<path>."""
        return self.client.get(self._url(path), query, headers=self._headers)  # type: ignore[return-value]

    def post(self, path: str, body: Any = None) -> HttpResponse:
        """POST a JSON body."""
        return self._send("POST", path, body)

    def patch(self, path: str, body: Any = None) -> HttpResponse:
        """PATCH with a JSON body."""
        return self._send("PATCH", path, body)

    def put(self, path: str, body: Any = None) -> HttpResponse:
        """PUT a JSON body."""
        return self._send("PUT", path, body)

    def delete(self, path: str) -> HttpResponse:
        """DELETE."""
        return self.client.delete(self._url(path), headers=self._headers)  # type: ignore[return-value]

    def _send(self, method: str, path: str, body: Any) -> HttpResponse:
        content = body if isinstance(body, bytes) else orjson.dumps({} if body is None else body)
        return self.client.generic(  # type: ignore[return-value]
            method, self._url(path), content, content_type="application/json", headers=self._headers
        )

    @staticmethod
    def _url(path: str) -> str:
        return path if path.startswith("/") else f"/api/v1/{path}"


def body_of(response: HttpResponse) -> dict[str, Any]:
    """Return the JSON object in an answer."""
    document: dict[str, Any] = orjson.loads(response.content)
    return document


def problem(response: HttpResponse) -> tuple[int, str]:
    """Return status and code of a problem document."""
    assert response["Content-Type"] == "application/problem+json", response.content
    return response.status_code, body_of(response)["code"]
