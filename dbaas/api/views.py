"""What views share: validate the body, then translate. Views hold no rules and no `try`."""

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import Serializer


def validated(serializer_class: type[Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """Return the body's fields as keyword arguments for a service.

    Raises: rest_framework.exceptions.ValidationError — answered as 400 with the errors by field.
    """
    serializer = serializer_class(data=request.data, partial=partial)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def validated_query(serializer_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the query string's parameters, validated in the same way."""
    serializer = serializer_class(data=request.query_params.dict())
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
