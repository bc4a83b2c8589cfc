"""Where requests meet their limits: after it is known who calls and before anything is done; and the headers that every answer carries.

A view that reads something precious, or that anybody may call, says so as `rate = Rate.X`; every other counts as read or write by its method.
"""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponseBase
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from dbaas.api.errors import TooManyRequests
from dbaas.api.problems import problem_response
from dbaas.api.rate_limits.callers import network_of
from dbaas.api.rate_limits.limiter import take
from dbaas.api.rate_limits.rates import WINDOW_SECONDS, Decision, Rate

if TYPE_CHECKING:  # rest_framework.views imports this module, because the settings name the class below
    from rest_framework.views import APIView

_LIMITED = "/api/v1/"
_ATTRIBUTE = "rate_limit_decision"
_OF_THE_PERSON = frozenset({Rate.CREDENTIALS})
"""Counted for the person with all of their API keys together: each key more would otherwise be another allowance."""


class IsWithinRate(BasePermission):
    """Let a request go on while its caller keeps to the limits. Named first among the permissions, so that it comes right after authentication."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Tell that the request may go on.

        Raises: TooManyRequests.
        """
        decision = _decide(request, view)
        setattr(request._request, _ATTRIBUTE, decision)
        if decision is not None and not decision.is_allowed:
            raise _refusal(decision)
        return True


class RateLimitMiddleware:
    """Tell every caller of the API how they stand, and count by address what no view counted: wrong credentials, wrong addresses, huge bodies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with 429 in place of the answer where an uncounted request was one too many."""
        response = self.get_response(request)
        if not request.path_info.startswith(_LIMITED):
            return response
        if hasattr(request, _ATTRIBUTE):
            decision: Decision | None = getattr(request, _ATTRIBUTE)
        else:
            decision = take(Rate.ANONYMOUS, _address(request))
            if decision is not None and not decision.is_allowed:
                response = problem_response(_refusal(decision))
        if decision is not None:
            _add_headers(response, decision)
        return response


def _decide(request: Request, view: "APIView") -> Decision | None:
    rate = getattr(view, "rate", None)
    if not request.user:
        return take(rate or Rate.ANONYMOUS, _address(request))
    rate = rate or (Rate.READS if request.method in SAFE_METHODS else Rate.WRITES)
    key_id = getattr(request.auth, "id", None)
    if key_id is None or rate in _OF_THE_PERSON:
        return take(rate, f"user:{request.user.pk}")
    return take(rate, f"key:{key_id}")


def _refusal(decision: Decision) -> TooManyRequests:
    policy = decision.policy
    return TooManyRequests(
        f"You sent more than {policy.per_minute} requests of the kind {policy.rate} in a minute: wait as long as Retry-After says.",
        retry_after=timedelta(seconds=decision.retry_in_seconds),
    )


def _add_headers(response: HttpResponseBase, decision: Decision) -> None:
    """Source: draft-ietf-httpapi-ratelimit-headers-10, structured fields: quota q in window w, remaining r, full again after t seconds."""
    policy = decision.policy
    response["RateLimit-Policy"] = f'"{policy.rate}";q={policy.per_minute};w={WINDOW_SECONDS}'
    response["RateLimit"] = f'"{policy.rate}";r={decision.remaining};t={math.ceil(decision.full_in_seconds)}'


def _address(request: HttpRequest | Request) -> str:
    """Return the other end's address as one customer's. The server in front has set it from the proxies that it trusts."""
    return f"address:{network_of(request.META.get('REMOTE_ADDR', ''))}"
