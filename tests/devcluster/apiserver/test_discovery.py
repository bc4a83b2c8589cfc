"""What clients learn about the server."""

import httpx
import pytest

from tests.devcluster.apiserver.samples import Body


def test_that_groups_and_versions_are_listed(api: httpx.Client) -> None:
    groups = {group["name"]: group for group in api.get("/apis").json()["groups"]}

    assert {"apps", "kubedb.com", "ops.kubedb.com", "core.kubestash.com", "rbac.authorization.k8s.io"} <= groups.keys()
    assert groups["kubedb.com"]["preferredVersion"] == {"groupVersion": "kubedb.com/v1", "version": "v1"}
    assert api.get("/apis/kubedb.com").json()["kind"] == "APIGroup"
    assert api.get("/api").json()["versions"] == ["v1"]


def test_that_resources_carry_short_names_and_subresources(api: httpx.Client) -> None:
    found = {one["name"]: one for one in api.get("/apis/kubedb.com/v1").json()["resources"]}

    short_names = {name: one["shortNames"] for name, one in found.items() if "shortNames" in one}
    assert short_names == {
        "postgreses": ["pg"],
        "mysqls": ["my"],
        "mongodbs": ["mg"],
        "redises": ["rd"],
        "redissentinels": ["rds"],
        "elasticsearches": ["es"],
    }
    assert found["postgreses/status"]["verbs"] == ["get", "patch", "update"]


def test_that_both_forms_of_discovery_say_the_same(api: httpx.Client) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    answer = api.get("/apis", headers={"Accept": accept})
    aggregated = {
        (group["metadata"]["name"], version["version"]): {one["resource"] for one in version["resources"]}
        for group in answer.json()["items"]
        for version in group["versions"]
    }

    assert "as=APIGroupDiscoveryList" in answer.headers["Content-Type"]
    for (group, version), plurals in aggregated.items():
        resources: list[Body] = api.get(f"/apis/{group}/{version}").json()["resources"]
        assert plurals == {one["name"] for one in resources if "/" not in one["name"]}


def test_that_openapi_says_that_fields_are_validated(api: httpx.Client) -> None:
    paths = api.get("/openapi/v3").json()["paths"]
    document = api.get(paths["apis/kubedb.com/v1"]["serverRelativeURL"]).json()

    patch = document["paths"]["/apis/kubedb.com/v1/namespaces/{namespace}/postgreses/{name}"]["patch"]
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"] == {"group": "kubedb.com", "version": "v1", "kind": "Postgres"}
    assert "spec" in document["components"]["schemas"]["com.kubedb.v1.Postgres"]["properties"]


@pytest.mark.parametrize("path", ["/", "/openapi/v2", "/version"])
def test_that_a_document_answers(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/apis/none", "/apis/none/v1", "/openapi/v3/apis/none/v1", "/nothing"])
def test_that_no_document_is_not_found(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 404


def test_that_a_verb_that_does_not_exist_is_not_allowed(api: httpx.Client) -> None:
    codes = {
        api.post("/apis").status_code,
        api.get("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").status_code,
        api.post("/api/v1/namespaces/default/configmaps/named", json={}).status_code,
    }

    assert codes == {405}
