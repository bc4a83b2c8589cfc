"""What bodies of the auth routes look like, for the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample

_USER = {
    "id": "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90",
    "email": "alice@example.com",
    "name": "Alice",
    "is_operator": False,
    "created_at": "2026-01-31T09:30:00.000Z",
}
_API_KEY = {
    "id": "01980a5b-1d2e-7f00-8a3b-4c5d6e7f8091",
    "name": "deployment pipeline",
    "prefix": "k3v9x0ab",
    "scopes": ["databases:read", "operations:read"],
    "tenant": "01980a60-0a1b-7c2d-8e3f-405162738495",
    "allowed_networks": ["198.51.100.0/24", "2001:db8::/32"],
    "expires_at": "2027-01-31T00:00:00.000Z",
    "last_used_at": None,
    "last_used_address": None,
    "created_at": "2026-01-31T09:31:00.000Z",
}
_TOKENS = {"access": "eyJhbGciOi...", "refresh": "eyJhbGciOi...", "expires_in": 600}
_LOGIN = {"email": "alice@example.com", "password": "a long pass phrase"}
_API_KEY_CREATE = {
    **{name: _API_KEY[name] for name in ("name", "scopes", "tenant", "allowed_networks")},
    "expires_at": "2027-01-31T00:00:00Z",
}

REGISTER = OpenApiExample("register", value={**_LOGIN, "name": "Alice"}, request_only=True)
LOGIN = OpenApiExample("log in", value=_LOGIN, request_only=True)
REFRESH = OpenApiExample("refresh token", value={"refresh": "eyJhbGciOi..."}, request_only=True)
USER = OpenApiExample("account", value=_USER, response_only=True)
PAIR = OpenApiExample("tokens", value=_TOKENS, response_only=True)
API_KEY_CREATE = OpenApiExample("new key", value=_API_KEY_CREATE, request_only=True)
NEW_API_KEY = OpenApiExample("made", value={**_API_KEY, "key": "dbk_k3v9x0ab_..."}, response_only=True)
API_KEYS = OpenApiExample("keys", value={"items": [_API_KEY], "next_cursor": None}, response_only=True)
