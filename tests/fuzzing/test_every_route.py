"""Tests that no request which the OpenAPI document allows, or nearly allows, makes the product fail or answer otherwise than it says.

Each request is answered in this process, as each role in turn, and taken back. FUZZ_CASES says how many answers there are over all roles and
routes (CI has 10,000 of them); they are the same ones each time, so that what is found is found again.
"""

import functools
import os
from collections.abc import Callable

import hypothesis
import pytest
from django.db import transaction
from django.http import HttpResponse
from hypothesis import HealthCheck, Phase
from rest_framework.response import Response
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import api_keys
from accounts.key_limits import KeyLimits
from accounts.models import User
from accounts.permissions import Role, Scope
from accounts.tokens import issue_access
from provisioning.api.catalogue import EnginesView
from tests.cast import acting, person
from tests.fuzzing.requests import Operation, Request, cases, operations
from tests.isolation.conftest import no_cluster, shop
from tests.isolation.estate import Estate

__all__ = ["no_cluster", "shop"]

ANSWERS = int(os.environ.get("FUZZ_CASES", "1000"))
ROLES = ("nobody", *Role, "operator", "key")
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
INTERNAL_ERROR = 500


class _Undone(Exception):
    pass


def _credentials(estate: Estate) -> dict[str, dict[str, str]]:
    """Return what each role sends."""
    people = {str(Role.OWNER): estate.owner}
    for role in (Role.VIEWER, Role.DEVELOPER, Role.ADMIN):
        people[role] = person(role)
        estate.admit(people[role], role)
    people["operator"] = User.objects.create_superuser("operator@example.com")
    _, text = api_keys.create(acting(estate.owner), name="all", limits=KeyLimits(scopes=tuple(Scope)))
    tokens = {role: {"Authorization": f"Bearer {issue_access(user)}"} for role, user in people.items()}
    return {"nobody": {}, **tokens, "key": {"X-API-Key": text}}


def _answered(case: Request, headers: dict[str, str]) -> None:
    """Make the request, compare the answer with the document, and take back what it did."""
    try:
        with transaction.atomic():
            response = case.call(headers=headers)
            assert response.status_code != INTERNAL_ERROR, response.content
            case.validate_response(response, checks=CHECKS, headers=headers)
            raise _Undone
    except _Undone:
        pass


def _try_all(shop: Estate, operation: Operation, *, times: int) -> None:
    """Answer so many requests for this operation, each as every role."""
    credentials = _credentials(shop)
    assert set(credentials) == set(ROLES)

    def answers(case: Request) -> None:
        for headers in credentials.values():
            _answered(case, headers)

    repeated = hypothesis.settings(
        max_examples=times,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run: Callable[[], None] = repeated(hypothesis.given(case=cases(operation, shop))(answers))
    run()


@pytest.mark.parametrize("name", operations())
def test_that_every_answer_is_one_of_the_document(shop: Estate, name: str) -> None:
    times = round(ANSWERS / len(operations()) / len(ROLES))

    _try_all(shop, operations()[name], times=max(1, times))


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (Response({"items": "none"}), "Response violates schema"),
        (Response({"items": []}, status=418), "Undocumented status code"),
        (HttpResponse("[]", content_type="text/html"), "Undocumented Content-Type"),
    ],
)
def test_that_an_answer_which_is_not_is_found(
    shop: Estate, monkeypatch: pytest.MonkeyPatch, answer: HttpResponse, what: str
) -> None:
    method = EnginesView.get

    @functools.wraps(method)
    def wrong(*_args: object) -> HttpResponse:
        return answer

    monkeypatch.setattr(EnginesView, "get", wrong)

    with pytest.raises(FailureGroup, match=what):
        _try_all(shop, operations()["GET /api/v1/engines"], times=1)


def test_that_a_failure_of_ours_is_found(shop: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    @functools.wraps(EnginesView.get)
    def broken(*_args: object) -> HttpResponse:
        raise ZeroDivisionError

    monkeypatch.setattr(EnginesView, "get", broken)

    with pytest.raises(AssertionError, match=r"internal\.error"):
        _try_all(shop, operations()["GET /api/v1/engines"], times=1)
