"""Configuration files are merged setting by setting."""

import pytest

from devcluster.operator.ops.configuration import merged_files
from devcluster.operator.ops.merging import merged


@pytest.mark.parametrize(
    ("name", "first", "then", "both"),
    [
        ("user.conf", "a = 1\nb = 2\n", "b = 3\nc = 4", "a = 1\nb = 3\nc = 4\n"),
        ("redis.conf", "maxclients 10\nsave 60 1\n", "maxclients 20", "save 60 1\nmaxclients 20\n"),
        ("mongod.conf", "net:\n  port: 1\n  ipv6: true\n", "net:\n  port: 2\n", "net:\n  port: 2\n  ipv6: true\n"),
    ],
)
def test_that_what_is_set_later_wins(name: str, first: str, then: str, both: str) -> None:
    assert merged_files({name: first}, {name: then}) == {name: both}


def test_that_a_file_of_another_name_is_kept() -> None:
    assert merged_files({"a.conf": "x = 1"}, {"b.conf": "y = 2"}) == {"a.conf": "x = 1", "b.conf": "y = 2"}


def test_that_a_removal_forgets_what_was_asked_for_before() -> None:
    first = {"applyConfig": {"user.conf": "a = 1"}, "restart": "true"}

    together = merged(first, {"removeCustomConfig": True, "restart": "auto"})

    assert together == {"removeCustomConfig": True, "restart": "true"}


def test_that_configurations_of_node_types_are_merged_apart() -> None:
    first = {"shard": {"applyConfig": {"mongod.conf": "a: 1\n"}}}

    together = merged(first, {"mongos": {"applyConfig": {"mongod.conf": "b: 2\n"}}})

    assert together == {**first, "mongos": {"applyConfig": {"mongod.conf": "b: 2\n"}}}
