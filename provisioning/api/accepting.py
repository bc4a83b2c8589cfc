"""What every request for work has in common: the Idempotency-Key that comes in, and the 202 that goes out."""

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from dbaas.api.idempotency import fingerprint, idempotency_key
from provisioning.api.shapes import show_operation
from provisioning.services.acceptance import Accepted, Idempotency

_RETRY_AFTER_SECONDS = "2"


def accepted(answer: Accepted) -> Response:
    """Return 202 with the operation and where to follow it."""
    headers = {"Location": f"/api/v1/operations/{answer.operation.id}", "Retry-After": _RETRY_AFTER_SECONDS}
    if answer.is_replay:
        headers["Idempotency-Replayed"] = "true"
    return Response(show_operation(answer.operation), status=status.HTTP_202_ACCEPTED, headers=headers)


def idempotency_of(request: Request) -> Idempotency:
    """Return the request's idempotency key, if it has one, with a digest of what it asks for."""
    return Idempotency(
        key=idempotency_key(request), fingerprint=fingerprint(request.method or "", request.path, request.data)
    )
