"""What bodies of the webhook routes look like, for the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample

_CREATE = {
    "url": "https://ops.example.com/hooks/databases",
    "description": "On-call",
    "events": ["operation.failed", "operation.stuck", "backup.*"],
}
_WEBHOOK = {
    "id": "01980a70-0a1b-7c2d-8e3f-405162738495",
    **_CREATE,
    "enabled": True,
    "disabled_at": None,
    "disabled_because": "",
    "failing_since": None,
    "old_secret_until": None,
    "created_at": "2026-01-31T09:32:00.000Z",
    "updated_at": "2026-01-31T09:32:00.000Z",
    "etag": '"5f0c2a9d1e3b4c67"',
}
_SECRET = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}
_DELIVERY = {
    "id": "01980a71-22aa-7b3c-9d4e-5f6071829304",
    "event": "01980a71-22a0-7a1b-8c2d-3e4f50617283",
    "type": "operation.failed",
    "state": "delivered",
    "tries": 2,
    "last_status": 204,
    "next_attempt_at": None,
    "created_at": "2026-01-31T09:33:00.000Z",
    "finished_at": "2026-01-31T09:33:05.412Z",
}
_PAYLOAD = {
    "id": "01980a71-22a0-7a1b-8c2d-3e4f50617283",
    "type": "operation.failed",
    "timestamp": "2026-01-31T09:33:00.000Z",
    "tenant": "01980a60-0a1b-7c2d-8e3f-405162738495",
    "data": {
        "operation": {
            "id": "01980a70-9c11-7d2e-8f30-415263748596",
            "kind": "backup",
            "state": "failed",
            "error": {"code": "backup.failed", "detail": "The backup failed: the bucket does not answer."},
        },
        "database": {"id": "01980a6f-77de-7a4b-9c5d-6e7f80910213", "name": "orders", "engine": "postgres"},
        "message": "Backup failed: the bucket does not answer.",
    },
}
_ATTEMPTS = [
    {
        "number": 1,
        "at": "2026-01-31T09:33:00.120Z",
        "duration_ms": 84,
        "outcome": "refused",
        "status": 503,
        "detail": "Try again later",
    },
    {
        "number": 2,
        "at": "2026-01-31T09:33:05.380Z",
        "duration_ms": 32,
        "outcome": "delivered",
        "status": 204,
        "detail": "",
    },
]

CREATE = OpenApiExample("new webhook", value=_CREATE, request_only=True)
CHANGE = OpenApiExample("other events", value={"events": ["*"]}, request_only=True)
WEBHOOK = OpenApiExample("webhook", value=_WEBHOOK, response_only=True)
WEBHOOKS = OpenApiExample("webhooks", value={"items": [_WEBHOOK], "next_cursor": None}, response_only=True)
WITH_SECRET = OpenApiExample("webhook with its secret", value={**_WEBHOOK, **_SECRET}, response_only=True)
DELIVERY = OpenApiExample("delivery", value=_DELIVERY, response_only=True, status_codes=["202"])
DELIVERIES = OpenApiExample("deliveries", value={"items": [_DELIVERY], "next_cursor": None}, response_only=True)
DELIVERY_WHOLE = OpenApiExample(
    "delivery with its tries", value={**_DELIVERY, "payload": _PAYLOAD, "attempts": _ATTEMPTS}, response_only=True
)
