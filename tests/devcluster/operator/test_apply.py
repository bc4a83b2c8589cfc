"""What is patched when an object differs from what it should be."""

from typing import Any

import pytest

from devcluster.operator.apply import difference

Body = dict[str, Any]


@pytest.mark.parametrize(
    ("found", "wanted", "patch"),
    [
        ({"spec": {"a": 1, "added": 2}}, {"spec": {"a": 1}}, {}),
        ({"spec": {"a": 1, "b": 2}}, {"spec": {"a": 3, "b": 2}}, {"spec": {"a": 3}}),
        ({"ports": [{"port": 1, "nodePort": 30000}]}, {"ports": [{"port": 1}]}, {}),
        ({"ports": [{"port": 1}]}, {"ports": [{"port": 2}]}, {"ports": [{"port": 2}]}),
        ({"ports": [{"port": 1}, {"port": 2}]}, {"ports": [{"port": 1}]}, {"ports": [{"port": 1}]}),
        ({}, {"annotations": {}}, {}),
        ({"metadata": {}}, {"metadata": {"labels": {"a": "b"}}}, {"metadata": {"labels": {"a": "b"}}}),
    ],
)
def test_that_only_wanted_fields_that_differ_are_patched(found: Body, wanted: Body, patch: Body) -> None:
    assert difference(found, wanted) == patch
