"""Trouble on demand for tests: the server misbehaves for the requests that a rule matches. Only served with `--faults`.

POST /_faults {"match": {"verb": "create", "resource": "postgreses", "nth": 2}, "fault": "timeout_after_effect"}
puts a rule in force, GET lists the rules, DELETE removes them. `match` may also name group, namespace, name and
subresource; `nth` (1 unless given) strikes once, `"every": true` always, and `"now": true` strikes the watches that
are open already (`cut_watch`, `gone`). `seconds` is how long a delay, a timeout or a watch lasts; `retry_after` is for 429.
"""

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from devcluster.apiserver import shapes
from devcluster.apiserver.errors import ApiError, Body, bad_request, expired
from devcluster.apiserver.request import Request
from devcluster.apiserver.watches import Stream

KINDS = ("delay", "429", "500", "503", "timeout_after_effect", "reset_before", "reset_after", "cut_watch", "gone")
FOREVER_SECONDS = 3600.0
"""Longer than any client waits."""
_MATCHED = ("verb", "resource", "group", "namespace", "name", "subresource")


@dataclass(kw_only=True)
class Rule:
    """One kind of trouble; `nth` counts matching requests from 1, `every` repeats for ever."""

    number: int
    match: dict[str, str]
    nth: int
    every: bool
    fault: str
    seconds: float
    retry_after: int | None
    seen: int = 0

    def as_body(self) -> Body:
        """Give the rule as GET /_faults shows it."""
        return dict(vars(self))

    def fits(self, request: Request) -> bool:
        """Tell whether a request is one that the rule counts."""
        actual = {
            "verb": request.verb,
            "resource": request.resource.plural,
            "group": request.resource.group,
            "namespace": request.namespace,
            "name": request.name,
            "subresource": request.subresource,
        }
        return all(actual[name] == wanted for name, wanted in self.match.items())


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._numbers = itertools.count(1)

    def add(self, body: Any, streams: Iterable[Stream]) -> Rule:
        """Put a rule in force; with `"now": true` in `match` it strikes the open watches instead of requests to come.

        Raises: ApiError — 400, for a rule that makes no sense.
        """
        if shapes.FAULT.require(body)["fault"] not in KINDS:
            raise bad_request(f"fault must be one of {', '.join(KINDS)}")
        match = dict(body.get("match") or {})
        nth, every, now = int(match.pop("nth", 1)), bool(match.pop("every", False)), bool(match.pop("now", False))
        if not set(match) <= set(_MATCHED):
            raise bad_request(f"match knows nth, every, now, {', '.join(_MATCHED)}")
        is_slow = body["fault"] == "timeout_after_effect"
        rule = Rule(
            number=next(self._numbers),
            match=match,
            nth=nth,
            every=every,
            fault=body["fault"],
            seconds=float(body.get("seconds", FOREVER_SECONDS if is_slow else 0)),
            retry_after=body.get("retry_after"),
        )
        if now:
            for stream in [stream for stream in streams if rule.fits(stream.request)]:
                doom(stream, rule)
        else:
            self._rules.append(rule)
        return rule

    def listed(self) -> list[Body]:
        """List the rules in force."""
        return [rule.as_body() for rule in self._rules]

    def clear(self) -> None:
        """Behave again."""
        self._rules.clear()

    def take(self, request: Request) -> Rule | None:
        """Count a request and give the rule that strikes it; a rule without `every` strikes once."""
        struck: Rule | None = None
        for rule in [rule for rule in self._rules if rule.fits(request)]:
            rule.seen += 1
            if struck is None and (rule.every or rule.seen == rule.nth):
                struck = rule
        if struck is not None and not struck.every:
            self._rules.remove(struck)
        return struck


async def strike_before(rule: Rule) -> None:
    """Do what a fault does before the request has any effect.

    Raises: ApiError — for the faults that answer instead of the server.
    """
    if rule.fault == "delay":
        await asyncio.sleep(rule.seconds)
    elif rule.fault == "429":
        seconds = rule.retry_after if rule.retry_after is not None else 1
        message = "the server has received too many requests and has asked us to try again later"
        details = {"retryAfterSeconds": seconds}
        headers = {"Retry-After": str(seconds)}
        raise ApiError(429, "TooManyRequests", message, details=details, headers=headers)
    elif rule.fault == "500":
        raise ApiError(500, "InternalError", "Internal error occurred: a fault was asked for")
    elif rule.fault == "503":
        headers = {"Retry-After": str(rule.retry_after)} if rule.retry_after is not None else {}
        message = "the server is currently unable to handle the request"
        raise ApiError(503, "ServiceUnavailable", message, headers=headers)
    elif rule.fault == "gone":
        raise expired("The resourceVersion for the provided request is too old.")


def doom(stream: Stream, rule: Rule) -> None:
    """Let a watch end as the rule says, after the rule's delay."""
    fate = "gone" if rule.fault == "gone" else "cut"
    asyncio.get_running_loop().call_later(rule.seconds, stream.end, fate)
