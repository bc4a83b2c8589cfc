"""Patch formats, as functions and over HTTP."""

import httpx
import pytest

from devcluster.apiserver.errors import ApiError
from devcluster.apiserver.patches import json_patch, merge_patch, strategic_merge
from tests.devcluster.apiserver.samples import Body, config_map, core, created, postgres, postgreses

APP = {"name": "app", "image": "one", "env": [{"name": "A", "value": "1"}]}


def test_that_a_merge_patch_removes_with_null_and_replaces_lists() -> None:
    target = {"a": {"keep": 1, "drop": 2}, "list": [1, 2]}

    result = merge_patch(target, {"a": {"drop": None, "new": 3}, "list": [3]})

    assert result == {"a": {"keep": 1, "new": 3}, "list": [3]}
    assert target["list"] == [1, 2]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/list/1", "value": 9}, {"list": [1, 9, 2], "a/b": 1}),
        ({"op": "add", "path": "/list/-", "value": 9}, {"list": [1, 2, 9], "a/b": 1}),
        ({"op": "remove", "path": "/a~1b"}, {"list": [1, 2]}),
        ({"op": "replace", "path": "/list/0", "value": 9}, {"list": [9, 2], "a/b": 1}),
        ({"op": "move", "from": "/a~1b", "path": "/c"}, {"list": [1, 2], "c": 1}),
        ({"op": "copy", "from": "/list", "path": "/c"}, {"list": [1, 2], "a/b": 1, "c": [1, 2]}),
        ({"op": "test", "path": "/a~1b", "value": 1}, {"list": [1, 2], "a/b": 1}),
    ],
)
def test_that_a_json_patch_does_each_operation(operation: Body, expected: Body) -> None:
    result = json_patch({"list": [1, 2], "a/b": 1}, [operation])

    assert result == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/none"},
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "add", "path": "/list/7", "value": 1},
        {"op": "sing", "path": "/a"},
    ],
)
def test_that_a_json_patch_that_does_not_fit_is_refused(operation: Body) -> None:
    with pytest.raises(ApiError) as refused:
        json_patch({"a": 1, "list": []}, [operation])

    assert refused.value.code == 422


def test_that_a_strategic_patch_merges_containers_by_name() -> None:
    target = {"containers": [APP, {"name": "side", "image": "two"}], "args": ["a"]}

    patch = {"containers": [{"name": "app", "env": [{"name": "B", "value": "2"}]}], "args": ["b"]}
    result = strategic_merge(target, patch)

    assert result["containers"][0]["image"] == "one"
    assert [variable["name"] for variable in result["containers"][0]["env"]] == ["A", "B"]
    assert result["containers"][1]["name"] == "side"
    assert result["args"] == ["b"]


def test_that_a_strategic_patch_obeys_its_directives() -> None:
    target = {"containers": [APP, {"name": "side"}], "finalizers": ["x", "y"], "map": {"a": 1, "b": 2}}

    result = strategic_merge(
        target,
        {
            "containers": [{"name": "side"}, {"name": "app", "$patch": "delete"}, {"name": "new"}],
            "$setElementOrder/containers": [{"name": "new"}, {"name": "side"}],
            "$deleteFromPrimitiveList/finalizers": ["x"],
            "map": {"c": 3, "$retainKeys": ["c"]},
        },
    )

    assert [container["name"] for container in result["containers"]] == ["new", "side"]
    assert result["finalizers"] == ["y"]
    assert result["map"] == {"c": 3}


def test_that_all_patch_types_work_over_http(api: httpx.Client, namespace: str) -> None:
    created(api, core(namespace, "configmaps"), config_map())
    path = core(namespace, "configmaps/settings")

    for kind, patch in (
        ("json-patch", [{"op": "add", "path": "/data/json", "value": "1"}]),
        ("merge-patch", {"data": {"merge": "2"}}),
        ("strategic-merge-patch", {"data": {"strategic": "3"}}),
    ):
        answer = api.patch(path, json=patch, headers={"Content-Type": f"application/{kind}+json"})
        assert answer.status_code == 200, answer.text

    assert api.get(path).json()["data"] == {"color": "red", "json": "1", "merge": "2", "strategic": "3"}


def test_that_custom_objects_know_no_strategic_patch(api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())

    answer = api.patch(
        postgreses(namespace) + "/pg", json={}, headers={"Content-Type": "application/strategic-merge-patch+json"}
    )

    assert answer.status_code == 415
    assert answer.json()["reason"] == "UnsupportedMediaType"
