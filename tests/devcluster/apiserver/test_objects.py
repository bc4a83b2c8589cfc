"""The life cycle that all objects share."""

import httpx
import pytest

from tests.devcluster.apiserver.samples import config_map, core, created, postgres, postgreses

MERGE = {"Content-Type": "application/merge-patch+json"}


def test_that_a_created_object_gets_its_metadata(api: httpx.Client, namespace: str) -> None:
    answer = api.post(postgreses(namespace), json=postgres())

    metadata = answer.json()["metadata"]
    assert answer.status_code == 201
    assert metadata["namespace"] == namespace
    assert metadata["generation"] == 1
    assert {"uid", "creationTimestamp", "resourceVersion"} <= metadata.keys()


def test_that_a_second_object_of_the_name_is_refused(api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())

    answer = api.post(postgreses(namespace), json=postgres())

    assert answer.status_code == 409
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'postgreses.kubedb.com "pg" already exists',
        "reason": "AlreadyExists",
        "details": {"name": "pg", "group": "kubedb.com", "kind": "postgreses"},
        "code": 409,
    }


def test_that_a_missing_object_is_not_found(api: httpx.Client, namespace: str) -> None:
    answer = api.get(core(namespace, "secrets") + "/none")

    assert answer.status_code == 404
    assert answer.json()["reason"] == "NotFound"
    assert answer.json()["message"] == 'secrets "none" not found'
    assert answer.json()["details"] == {"name": "none", "kind": "secrets"}


def test_that_a_missing_namespace_is_not_found_on_create_and_empty_on_list(api: httpx.Client) -> None:
    answer = api.post(core("nowhere", "configmaps"), json=config_map())
    listed = api.get(core("nowhere", "configmaps"))

    assert answer.status_code == 404
    assert answer.json()["message"] == 'namespaces "nowhere" not found'
    assert listed.json()["items"] == []


def test_that_an_unknown_resource_is_not_found(api: httpx.Client) -> None:
    answer = api.get("/apis/kubedb.com/v1/unheardof")

    assert answer.status_code == 404
    assert answer.json()["message"] == "the server could not find the requested resource"


def test_that_generate_name_makes_different_names(api: httpx.Client, namespace: str) -> None:
    body = {"metadata": {"generateName": "made-"}}

    first = created(api, core(namespace, "configmaps"), body)
    second = created(api, core(namespace, "configmaps"), body)

    assert first["metadata"]["name"].startswith("made-")
    assert first["metadata"]["name"] != second["metadata"]["name"]


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "a" * 254, ""])
def test_that_a_name_that_is_none_is_refused(api: httpx.Client, namespace: str, name: str) -> None:
    answer = api.post(core(namespace, "configmaps"), json=config_map(name))

    assert answer.status_code == 422
    assert answer.json()["reason"] == "Invalid"
    assert answer.json()["details"]["causes"][0]["field"] == "metadata.name"


def test_that_resource_versions_rise_over_all_kinds(api: httpx.Client, namespace: str) -> None:
    first = created(api, core(namespace, "configmaps"), config_map())
    second = created(api, postgreses(namespace), postgres())

    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])


def test_that_generation_rises_with_the_spec_only(api: httpx.Client, namespace: str) -> None:
    path = postgreses(namespace) + "/pg"
    created(api, postgreses(namespace), postgres())

    labelled = api.patch(path, json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE).json()
    changed = api.patch(path, json={"spec": {"replicas": 3}}, headers=MERGE).json()

    assert labelled["metadata"]["generation"] == 1
    assert changed["metadata"]["generation"] == 2


def test_that_a_write_of_nothing_new_changes_nothing(api: httpx.Client, namespace: str) -> None:
    before = created(api, core(namespace, "configmaps"), config_map())

    after = api.patch(core(namespace, "configmaps/settings"), json={"data": {"color": "red"}}, headers=MERGE).json()

    assert after == before


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
def test_that_a_stale_write_conflicts(api: httpx.Client, namespace: str, verb: str) -> None:
    path = core(namespace, "configmaps/settings")
    stale = created(api, core(namespace, "configmaps"), config_map())
    api.patch(path, json={"data": {"color": "blue"}}, headers=MERGE)

    answer = api.request(verb, path, json={**stale, "data": {"color": "green"}}, headers=MERGE)

    assert answer.status_code == 409
    assert answer.json()["reason"] == "Conflict"
    assert "the object has been modified" in answer.json()["message"]


def test_that_a_custom_object_cannot_be_replaced_blindly(api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())

    answer = api.put(postgreses(namespace) + "/pg", json=postgres())

    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["field"] == "metadata.resourceVersion"


def test_that_status_and_the_rest_are_written_apart(api: httpx.Client, namespace: str) -> None:
    path = postgreses(namespace) + "/pg"
    made = created(api, postgreses(namespace), {**postgres(), "status": {"phase": "Ready"}})

    patch = {"spec": {"replicas": 5}, "status": {"phase": "Ready"}}
    by_status = api.patch(path + "/status", json=patch, headers=MERGE).json()
    by_main = api.patch(path, json={"status": {"phase": "Halted"}}, headers=MERGE).json()

    assert "status" not in made
    assert by_status["status"] == {"phase": "Ready"}
    assert by_status["spec"]["replicas"] == 1
    assert by_status["metadata"]["generation"] == 1
    assert by_main["status"] == {"phase": "Ready"}


def test_that_a_dry_run_keeps_nothing(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    kept = created(api, path, config_map("kept"))

    made = api.post(path, json=config_map("tried"), params={"dryRun": "All"})
    changed = api.patch(path + "/kept", json={"data": {"a": "b"}}, headers=MERGE, params={"dryRun": "All"})
    deleted = api.delete(path + "/kept", params={"dryRun": "All"})

    assert (made.status_code, changed.status_code, deleted.status_code) == (201, 200, 200)
    assert changed.json()["data"] == {"color": "red", "a": "b"}
    assert api.get(path + "/tried").status_code == 404
    assert api.get(path + "/kept").json() == kept


def test_that_a_delete_with_a_wrong_uid_conflicts(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps/settings")
    created(api, core(namespace, "configmaps"), config_map())

    answer = api.request("DELETE", path, json={"preconditions": {"uid": "another"}})

    assert answer.status_code == 409
    assert "the UID in the precondition (another) does not match" in answer.json()["message"]
    assert api.get(path).status_code == 200


def test_that_a_delete_answers_with_a_status(api: httpx.Client, namespace: str) -> None:
    made = created(api, core(namespace, "configmaps"), config_map())

    answer = api.request(
        "DELETE", core(namespace, "configmaps/settings"), json={"preconditions": {"uid": made["metadata"]["uid"]}}
    )

    assert answer.status_code == 200
    assert answer.json()["status"] == "Success"
    assert answer.json()["details"]["uid"] == made["metadata"]["uid"]


def test_that_finalizers_hold_a_deleted_object(api: httpx.Client, namespace: str) -> None:
    path = postgreses(namespace) + "/pg"
    body = postgres()
    body["metadata"]["finalizers"] = ["kubedb.com"]
    created(api, postgreses(namespace), body)

    deleted = api.delete(path).json()
    held = api.get(path).json()
    api.patch(path, json={"metadata": {"finalizers": None}}, headers=MERGE)

    assert deleted["kind"] == "Postgres"
    assert held["metadata"]["deletionTimestamp"]
    assert held["metadata"]["generation"] == 2
    assert api.get(path).status_code == 404


def test_that_a_deleted_object_takes_no_new_finalizers(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps/settings")
    created(api, core(namespace, "configmaps"), config_map(finalizers=["test/hold"]))
    api.delete(path)

    answer = api.patch(path, json={"metadata": {"finalizers": ["test/hold", "test/more"]}}, headers=MERGE)

    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["field"] == "metadata.finalizers"
    api.patch(path, json={"metadata": {"finalizers": []}}, headers=MERGE)


def test_that_a_collection_is_deleted_by_selector(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    created(api, path, config_map("old", labels={"age": "old"}))
    created(api, path, config_map("new", labels={"age": "new"}))

    answer = api.delete(path, params={"labelSelector": "age=old"})

    assert answer.status_code == 200
    assert [item["metadata"]["name"] for item in api.get(path).json()["items"]] == ["new"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"metadata": 1},
        {"metadata": {"name": "x", "labels": ["a"]}},
        {"metadata": {"name": "x", "labels": {"a": 1}}},
        {"metadata": {"name": "x", "finalizers": "a"}},
        {"metadata": {"name": "x", "ownerReferences": [{"uid": {}}]}},
    ],
)
def test_that_a_body_of_wrong_types_is_refused(api: httpx.Client, namespace: str, body: object) -> None:
    path = core(namespace, "configmaps")
    created(api, path, config_map())

    answers = [api.post(path, json=body), api.patch(path + "/settings", json=body, headers=MERGE)]

    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["reason"] for answer in answers} == {"BadRequest"}


def test_that_a_body_for_another_path_is_refused(api: httpx.Client, namespace: str) -> None:
    elsewhere = api.post(core(namespace, "configmaps"), json=config_map(namespace="default"))
    other_kind = api.post(core(namespace, "configmaps"), json={**config_map(), "kind": "Secret"})
    no_json = api.post(core(namespace, "configmaps"), content=b"{", headers={"Content-Type": "application/json"})

    assert {answer.status_code for answer in (elsewhere, other_kind, no_json)} == {400}
    assert {answer.json()["reason"] for answer in (elsewhere, other_kind, no_json)} == {"BadRequest"}
