"""What bodies of the tenant routes look like, for the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample

_TENANT = {
    "id": "01980a60-0a1b-7c2d-8e3f-405162738495",
    "name": "shop",
    "display_name": "The web shop",
    "namespace": "dbaas-shop",
    "role": "owner",
    "suspended": False,
    "suspended_because": None,
    "created_at": "2026-01-31T09:32:00.000Z",
    "updated_at": "2026-01-31T09:32:00.000Z",
    "etag": '"5f0c2a9d1e3b4c67"',
}
_MEMBER = {
    "user_id": "01980a61-22aa-7b3c-9d4e-5f6071829304",
    "email": "bob@example.com",
    "name": "Bob",
    "role": "viewer",
    "created_at": "2026-01-31T09:33:00.000Z",
}
_EVENT = {
    "id": "01980a62-33bb-7c4d-8e5f-607182930415",
    "at": "2026-01-31T09:33:00.000Z",
    "actor": {
        "id": "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90",
        "email": "alice@example.com",
        "via": "session",
        "credential_id": None,
    },
    "action": "member.added",
    "object": {"type": "user", "id": "01980a61-22aa-7b3c-9d4e-5f6071829304"},
    "outcome": "allowed",
    "address": "203.0.113.7",
    "request_id": "01980a62-33b0-7a1b-8c2d-3e4f50617283",
    "detail": {"role": "viewer"},
    "seal": {"position": 42, "digest": "9f2c6f5b0f0e3c1c6a2d7c0b4a5d8e7f1029384756aabbccddeeff0011223344"},
}
_TENANT_CREATE = {"name": "shop", "display_name": "The web shop"}
_INVITATION_CREATE = {"email": "bob@example.com", "role": "viewer"}
_INVITATION = {
    "id": "01980a61-30bb-7c4d-8e5f-607182930415",
    **_INVITATION_CREATE,
    "invited_by": "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90",
    "created_at": "2026-01-31T09:33:00.000Z",
    "sent_at": "2026-01-31T09:33:00.000Z",
    "expires_at": "2026-02-07T09:33:00.000Z",
}
_TOKEN = {"token": "Zm9yIGV4YW1wbGUgb25seQ"}
_JOINED = {
    "tenant": "01980a60-0a1b-7c2d-8e3f-405162738495",
    "user_id": "01980a61-22aa-7b3c-9d4e-5f6071829304",
    **_INVITATION_CREATE,
}

TENANT = OpenApiExample("tenant", value=_TENANT, response_only=True)
TENANTS = OpenApiExample("tenants", value={"items": [_TENANT], "next_cursor": None}, response_only=True)
TENANT_CREATE = OpenApiExample("new tenant", value=_TENANT_CREATE, request_only=True)
TENANT_CHANGE = OpenApiExample("other name", value={"display_name": "The shop"}, request_only=True)
MEMBER = OpenApiExample("member", value=_MEMBER, response_only=True)
MEMBERS = OpenApiExample("members", value={"items": [_MEMBER], "next_cursor": None}, response_only=True)
INVITATION = OpenApiExample("invitation", value=_INVITATION, response_only=True)
INVITATIONS = OpenApiExample("invitations", value={"items": [_INVITATION], "next_cursor": None}, response_only=True)
INVITATION_CREATE = OpenApiExample("new invitation", value=_INVITATION_CREATE, request_only=True)
TOKEN = OpenApiExample("token", value=_TOKEN, request_only=True)
NEWCOMER = OpenApiExample(
    "newcomer", value={**_TOKEN, "password": "a long pass phrase", "name": "Bob"}, request_only=True
)
JOINED = OpenApiExample("joined", value=_JOINED, response_only=True)
MEMBER_CHANGE = OpenApiExample("other role", value={"role": "developer"}, request_only=True)
AUDIT_LOG = OpenApiExample(
    "audit log", value={"items": [_EVENT], "next_cursor": None}, response_only=True, media_type="application/json"
)
AUDIT_LINE = OpenApiExample("line", value=_EVENT, response_only=True, media_type="application/x-ndjson")
