"""Server-side apply: creation, ownership, conflicts."""

import httpx
import pytest

from devcluster.apiserver.fields import merge
from devcluster.apiserver.schema import ObjectSchema
from tests.devcluster.apiserver.samples import Body, config_map, core, postgres, postgreses

ATOMIC = {"x-kubernetes-list-type": "atomic", "x-kubernetes-list-map-keys": None}
APPLY = {"Content-Type": "application/apply-patch+yaml"}


def apply(api: httpx.Client, path: str, body: Body, owner: str, **parameters: str) -> httpx.Response:
    return api.patch(path, json=body, headers=APPLY, params={"fieldManager": owner, **parameters})


def settings(**content: str) -> Body:
    return {**config_map(), "data": content}


@pytest.fixture
def path(namespace: str) -> str:
    return core(namespace, "configmaps/settings")


def test_that_the_first_apply_creates_and_the_second_changes_nothing(api: httpx.Client, path: str) -> None:
    first = apply(api, path, settings(a="1"), "one")
    second = apply(api, path, settings(a="1"), "one")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["metadata"]["managedFields"][0]["manager"] == "one"


def test_that_fields_that_are_no_longer_applied_go(api: httpx.Client, path: str) -> None:
    apply(api, path, settings(a="1", b="2"), "one")
    apply(api, path, settings(c="3"), "two")

    result = apply(api, path, settings(a="1"), "one").json()

    assert result["data"] == {"a": "1", "c": "3"}


def test_that_another_owners_field_conflicts_unless_forced(api: httpx.Client, path: str) -> None:
    apply(api, path, settings(a="1"), "one")

    refused = apply(api, path, settings(a="2"), "two")
    forced = apply(api, path, settings(a="2"), "two", force="true")
    again = apply(api, path, settings(a="1"), "one")

    assert refused.status_code == 409
    assert refused.json()["reason"] == "Conflict"
    assert refused.json()["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"}
    ]
    assert forced.json()["data"] == {"a": "2"}
    assert again.status_code == 409


def test_that_an_update_owns_what_it_changes(api: httpx.Client, path: str) -> None:
    apply(api, path, settings(a="1"), "one")
    api.patch(path, json={"data": {"a": "2"}}, headers={"Content-Type": "application/merge-patch+json"})

    refused = apply(api, path, settings(a="1"), "one")

    assert refused.status_code == 409


def test_that_the_same_value_may_have_two_owners(api: httpx.Client, path: str) -> None:
    apply(api, path, settings(a="1"), "one")

    shared = apply(api, path, settings(a="1"), "two")
    left = apply(api, path, settings(), "two")

    assert shared.status_code == 200
    assert left.json()["data"] == {"a": "1"}


def test_that_keyed_lists_merge_item_by_item(api: httpx.Client, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"

    def deployment(*containers: Body) -> Body:
        spec = {"template": {"spec": {"containers": list(containers)}}}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}

    apply(api, path, deployment({"name": "app", "image": "a"}), "one")
    both = apply(api, path, deployment({"name": "side", "image": "b"}), "two").json()
    rest = apply(api, path, deployment(), "one").json()

    assert [one["name"] for one in both["spec"]["template"]["spec"]["containers"]] == ["app", "side"]
    assert [one["name"] for one in rest["spec"]["template"]["spec"]["containers"]] == ["side"]


def test_that_the_field_manager_is_required(api: httpx.Client, path: str) -> None:
    answer = api.patch(path, json=settings(), headers=APPLY)

    assert answer.status_code == 400
    assert "fieldManager" in answer.json()["message"]


def test_that_status_is_applied_apart(api: httpx.Client, namespace: str) -> None:
    path = postgreses(namespace) + "/pg"
    apply(api, path, postgres(), "user")

    status = {**postgres(replicas=9), "status": {"phase": "Ready"}}
    result = apply(api, path + "/status", status, "operator").json()
    again = apply(api, path, postgres(), "user")

    assert result["status"] == {"phase": "Ready"}
    assert result["spec"]["replicas"] == 1
    assert again.status_code == 200
    assert again.json()["status"] == {"phase": "Ready"}


def test_that_lists_of_custom_objects_merge_as_their_schema_says() -> None:
    item = {"type": "object", "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}
    keyed = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item}
    schema = ObjectSchema({"properties": {"spec": {"properties": {"keyed": keyed, "plain": {**keyed, **ATOMIC}}}}})

    def list_keys(path: tuple[str, ...], _item: object) -> tuple[str, ...]:
        return schema.list_keys([token.removeprefix("f:") for token in path if token.startswith("f:")])

    live, wanted = ([{"name": name, "value": "1"}] for name in ("a", "b"))
    merged = merge({"spec": {"keyed": live, "plain": live}}, {"spec": {"keyed": wanted, "plain": wanted}}, list_keys)

    assert [one["name"] for one in merged["spec"]["keyed"]] == ["a", "b"]
    assert [one["name"] for one in merged["spec"]["plain"]] == ["b"]
