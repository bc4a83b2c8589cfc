"""CRD schemas: what is filled in, pruned, refused."""

import httpx
import pytest

from tests.devcluster.apiserver.samples import Body, created, eventually, is_gone, postgres, postgreses


def causes(answer: httpx.Response) -> dict[str, Body]:
    assert answer.status_code == 422, answer.text
    return {cause["field"]: cause for cause in answer.json()["details"]["causes"]}


def test_that_a_missing_field_is_named(api: httpx.Client, namespace: str) -> None:
    body = postgres()
    del body["spec"]["version"]

    answer = api.post(postgreses(namespace), json=body)

    assert causes(answer)["spec.version"] == {
        "reason": "FieldValueRequired",
        "message": "Required value",
        "field": "spec.version",
    }
    assert answer.json()["message"] == 'Postgres.kubedb.com "pg" is invalid: spec.version: Required value'
    assert answer.json()["details"]["kind"] == "Postgres"


@pytest.mark.parametrize(
    ("field", "value", "reason", "text"),
    [
        ("replicas", "three", "FieldValueTypeInvalid", "spec.replicas in body must be of type integer"),
        ("replicas", 0, "FieldValueInvalid", "should be greater than or equal to 1"),
        ("storageType", "Eternal", "FieldValueNotSupported", 'supported values: "Durable", "Ephemeral"'),
        ("deletionPolicy", "Never", "FieldValueNotSupported", '"DoNotTerminate"'),
    ],
)
def test_that_a_wrong_value_is_explained(
    api: httpx.Client, namespace: str, field: str, value: object, reason: str, text: str
) -> None:
    cause = causes(api.post(postgreses(namespace), json=postgres(**{field: value})))[f"spec.{field}"]

    assert cause["reason"] == reason
    assert text in cause["message"]


def test_that_a_path_through_lists_has_indexes(api: httpx.Client, namespace: str) -> None:
    answer = api.post(postgreses(namespace), json=postgres(serviceTemplates=[{"alias": "primary"}, {"alias": "none"}]))

    assert set(causes(answer)) == {"spec.serviceTemplates[1].alias"}


def test_that_unknown_fields_are_pruned_with_a_warning(api: httpx.Client, namespace: str) -> None:
    answer = api.post(postgreses(namespace), json=postgres(colour="red"))

    assert "colour" not in answer.json()["spec"]
    assert answer.headers["Warning"] == '299 - "unknown field \\"spec.colour\\""'


def test_that_unknown_fields_are_refused_when_strict(api: httpx.Client, namespace: str) -> None:
    answer = api.post(postgreses(namespace), json=postgres(colour="red"), params={"fieldValidation": "Strict"})

    assert answer.status_code == 400
    assert answer.json()["reason"] == "BadRequest"
    assert 'strict decoding error: unknown field "spec.colour"' in answer.json()["message"]


def test_that_a_strict_patch_is_refused_as_invalid(api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())

    answer = api.patch(
        postgreses(namespace) + "/pg",
        json={"spec": {"colour": "red"}},
        headers={"Content-Type": "application/merge-patch+json"},
        params={"fieldValidation": "Strict"},
    )

    assert answer.status_code == 422
    assert 'unknown field "spec.colour"' in answer.json()["message"]


def test_that_ignored_unknown_fields_go_without_a_word(api: httpx.Client, namespace: str) -> None:
    answer = api.post(postgreses(namespace), json=postgres(colour="red"), params={"fieldValidation": "Ignore"})

    assert answer.status_code == 201
    assert "Warning" not in answer.headers


def test_that_open_parts_keep_what_they_get(api: httpx.Client, namespace: str) -> None:
    template = {"spec": {"containers": [{"name": "postgres", "securityContext": {"anything": {"goes": 1}}}]}}

    made = created(api, postgreses(namespace), postgres(podTemplate=template))

    assert made["spec"]["podTemplate"] == template


def test_that_defaults_are_filled_in(api: httpx.Client, namespace: str) -> None:
    made = created(api, postgreses(namespace), postgres(healthChecker={"periodSeconds": 3}, tls=None))

    assert made["spec"]["healthChecker"] == {"periodSeconds": 3, "timeoutSeconds": 10, "failureThreshold": 1}
    assert made["spec"]["deletionPolicy"] == "Delete"
    assert "tls" not in made["spec"]


def definition(group: str, *, replicas: Body) -> Body:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": replicas}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return {"metadata": {"name": f"widgets.{group}"}, "spec": spec}


def test_that_a_new_kind_is_served_at_once_and_withdrawn_with_its_objects(api: httpx.Client, namespace: str) -> None:
    crds, path = (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        f"/apis/test.local/v1/namespaces/{namespace}",
    )
    size = {"x-kubernetes-int-or-string": True, "nullable": True}

    made = created(api, crds, definition("test.local", replicas=size))
    for value in (1, "1Gi", None):
        created(api, f"{path}/widgets", {"metadata": {"generateName": "w-"}, "spec": {"size": value}})
    refused = api.post(f"{path}/widgets", json={"metadata": {"name": "w"}, "spec": {"size": []}})
    api.delete(f"{crds}/widgets.test.local")

    conditions = {one["type"]: one["status"] for one in made["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert refused.status_code == 422
    eventually(is_gone(api, f"{crds}/widgets.test.local"), "the kind is withdrawn")
    assert api.get(f"{path}/widgets").status_code == 404
