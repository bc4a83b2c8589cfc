"""Tests that docs/api.md lists the routes that there are, and that its numbers are those of the code."""

import re
from collections import defaultdict

from django.urls import URLPattern, URLResolver

from accounts.permissions import Role
from dbaas.api.pagination import LIMIT_DEFAULT, LIMIT_MAX
from dbaas.urls import api_v1
from provisioning.audits import KEYS_KEPT_FOR
from tests.docs.pages import blocks_of, prose_of, quoted_in, table_in, words_in

PAGE = "docs/api.md"
METHODS = ("get", "post", "put", "patch", "delete")


def routes_in(patterns: list[URLPattern | URLResolver]) -> dict[str, set[str]]:
    """Return every route with its methods."""
    found: dict[str, set[str]] = {}
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= routes_in(pattern.url_patterns)
        else:
            path = re.sub(r"<uuid:\w+>", "{id}", re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern)))
            view = pattern.callback.view_class  # type: ignore[attr-defined] # every view of ours is a class
            found[f"/api/v1/{path}"] = {method.upper() for method in METHODS if hasattr(view, method)}
    return found


def routes_told() -> dict[str, set[str]]:
    """Return the routes in the table, where one path may have several methods before it."""
    told: dict[str, set[str]] = defaultdict(set)
    for row in table_in(PAGE, "area"):
        waiting: set[str] = set()
        for word in words_in(row[1]):
            method, _, path = word.partition(" ")
            waiting.add(method)
            if path:
                told[path] |= waiting
                waiting = set()
    return dict(told)


def test_that_the_routes_are_those_of_the_url_patterns() -> None:
    assert routes_told() == routes_in(api_v1)


def test_that_the_text_speaks_of_routes_that_exist() -> None:
    named = {word.partition("?")[0].split(" ")[-1] for word in quoted_in(PAGE) if "/api/v1/" in word}

    assert named - set(routes_told()) == set()


def test_that_examples_speak_of_routes_that_exist() -> None:
    bodies = " ".join(body for _, body in blocks_of(PAGE) + blocks_of("README.md"))
    named = set(re.findall(r'/api/v1/[a-z/-]*[a-z](?=["\s?])', bodies))
    beginnings = {re.split(r"/\{", path)[0] for path in routes_told()} | set(routes_told())

    assert len(named) >= 4
    assert named - beginnings == set()


def test_that_the_roles_are_those_of_the_code() -> None:
    assert [words_in(row[0])[0] for row in table_in(PAGE, "role")] == list(Role)


def test_that_the_numbers_are_those_of_the_code() -> None:
    hours = int(KEYS_KEPT_FOR.total_seconds() // 3600)
    prose = " ".join(prose_of(PAGE).split())

    assert f"kept for {hours} hours" in prose
    assert f"`limit` is 1 to {LIMIT_MAX}, by default {LIMIT_DEFAULT}" in prose
