"""What KubeDB's webhooks would refuse."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from devcluster.apiserver.opsrequests import quantity
from tests.devcluster.apiserver.conftest import connect_to
from tests.devcluster.apiserver.samples import Body, created, postgres, postgreses
from tests.devcluster.conftest import ApiServer

MERGE = {"Content-Type": "application/merge-patch+json"}


VERSIONS = {"Postgres": "17.5", "MySQL": "8.4.8", "MongoDB": "8.0.17", "Redis": "7.4.6", "Elasticsearch": "xpack-9.2.3"}


def database(kind: str, **spec: Any) -> Body:
    return {**postgres(**{"replicas": None, "version": VERSIONS[kind], **spec}), "kind": kind}


def install_versions(api: httpx.Client, **ranges: list[str]) -> None:
    for version, allowed in ranges.items():
        name = version.removeprefix("v").replace("_", ".")
        image, policies = {"image": "any"}, {"databasePolicyName": "any"}
        spec = {"version": name, "db": image, "coordinator": image, "exporter": image, "podSecurityPolicies": policies}
        body = {"metadata": {"name": name}, "spec": {**spec, "updateConstraints": {"allowlist": allowed}}}
        created(api, "/apis/catalog.kubedb.com/v1alpha1/postgresversions", body)


def operation(kind: str, **spec: object) -> Body:
    spec = {"databaseRef": {"name": "pg"}, **spec}
    return {"apiVersion": "ops.kubedb.com/v1alpha1", "kind": kind, "metadata": {"name": "op"}, "spec": spec}


def operations(namespace: str) -> str:
    return f"/apis/ops.kubedb.com/v1alpha1/namespaces/{namespace}/postgresopsrequests"


def test_that_a_protected_database_is_not_deleted(api: httpx.Client, namespace: str) -> None:
    path = postgreses(namespace) + "/pg"
    created(api, postgreses(namespace), postgres(deletionPolicy="DoNotTerminate"))

    refused = api.delete(path)
    api.patch(path, json={"spec": {"deletionPolicy": "WipeOut"}}, headers=MERGE)
    accepted = api.delete(path)

    assert refused.status_code == 403
    assert refused.json()["message"] == (
        'admission webhook "postgreswebhook.validators.kubedb.com" denied the request: '
        f'Postgres "{namespace}/pg" can\'t be terminated. To delete, change spec.deletionPolicy'
    )
    assert accepted.status_code == 200


@pytest.mark.parametrize(
    ("kind", "plural", "spec", "text"),
    [
        ("Postgres", "postgreses", {"storage": None}, "spec.storage is missing"),
        ("Postgres", "postgreses", {"storage": {"accessModes": []}}, "missing ResourceStorage request"),
        (
            "Postgres",
            "postgreses",
            {"storageType": "Ephemeral", "deletionPolicy": "Halt"},
            "'spec.deletionPolicy: Halt' can not be used for 'Ephemeral' storage",
        ),
        (
            "Postgres",
            "postgreses",
            {"halted": True, "deletionPolicy": "DoNotTerminate"},
            "Can't halt, since termination",
        ),
        (
            "MongoDB",
            "mongodbs",
            {"halted": True, "deletionPolicy": "DoNotTerminate"},
            "Can't halt, since deletion policy",
        ),
        (
            "Postgres",
            "postgreses",
            {"podTemplate": {"spec": {"containers": [{"name": "p", "env": [{"name": "POSTGRES_USER"}]}]}}},
            "environment variable POSTGRES_USER is forbidden",
        ),
        (
            "MySQL",
            "mysqls",
            {"topology": {"mode": "GroupReplication"}, "replicas": 2},
            "for group replication is in range",
        ),
        ("MongoDB", "mongodbs", {"replicas": 3}, "invalid for standalone mode. Value must be one"),
        ("Redis", "redises", {"replicas": 3}, "invalid for standalone mode. Value must be one"),
        ("Redis", "redises", {"mode": "Cluster", "cluster": {"shards": 2}}, "must be >= 3"),
        ("Redis", "redises", {"mode": "Cluster", "cluster": {"replicas": 1}}, "must be > 1"),
        ("Redis", "redises", {"mode": "Sentinel"}, "need to provide sentinelRef"),
        (
            "Elasticsearch",
            "elasticsearches",
            {"topology": {"master": {}, "ingest": {}, "data": {}}},
            "doesn't support spec.storage when spec.topology is set",
        ),
    ],
)
def test_that_a_contradiction_is_denied(
    api: httpx.Client, namespace: str, kind: str, plural: str, spec: Body, text: str
) -> None:
    answer = api.post(f"/apis/kubedb.com/v1/namespaces/{namespace}/{plural}", json=database(kind, **spec))

    assert answer.status_code == 403, answer.text
    assert answer.json()["message"].startswith(
        f'admission webhook "{kind.lower()}webhook.validators.kubedb.com" denied'
    )
    assert text in answer.json()["message"]


def test_that_a_database_without_a_spec_is_denied(api: httpx.Client, namespace: str) -> None:
    answer = api.post(postgreses(namespace), json={"metadata": {"name": "pg"}})

    assert answer.status_code == 403
    assert "'spec.version' is missing" in answer.json()["message"]


def test_that_clustered_mysql_gets_three_members(api: httpx.Client, namespace: str) -> None:
    path = f"/apis/kubedb.com/v1/namespaces/{namespace}/mysqls"

    made = created(api, path, database("MySQL", topology={"mode": "GroupReplication"}))

    assert made["spec"]["replicas"] == 3


def test_that_halting_changes_the_deletion_policy(api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres(deletionPolicy="WipeOut"))

    halted = api.patch(postgreses(namespace) + "/pg", json={"spec": {"halted": True}}, headers=MERGE).json()

    assert halted["spec"]["deletionPolicy"] == "Halt"


def test_that_the_storage_type_stays(api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())

    answer = api.patch(postgreses(namespace) + "/pg", json={"spec": {"storageType": "Ephemeral"}}, headers=MERGE)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("spec", "field", "text"),
    [
        ({"type": "Restart", "databaseRef": {"name": "none"}}, "spec.databaseRef", "is invalid or not found"),
        (
            {"type": "VolumeExpansion", "volumeExpansion": {"mode": "Online", "postgres": "512Mi"}},
            "spec.volumeExpansion",
            "storage size must be greater than current storage. Current storage: 1Gi",
        ),
        ({"type": "HorizontalScaling", "horizontalScaling": {}}, "spec.horizontalScaling", "exactly one of"),
        ({"type": "RotateAuth", "authentication": {"secretRef": {"name": "no"}}}, "spec.authentication", "not found"),
        (
            {"type": "StorageMigration", "migration": {"storageClassName": "x"}},
            "spec.timeout",
            "spec.timeout is required",
        ),
    ],
)
def test_that_an_operation_must_fit_its_database(
    api: httpx.Client, namespace: str, spec: Body, field: str, text: str
) -> None:
    created(api, postgreses(namespace), postgres())

    answer = api.post(operations(namespace), json=operation("PostgresOpsRequest", **spec))

    assert answer.status_code == 422
    cause = answer.json()["details"]["causes"][0]
    assert cause["field"] == field
    assert text in cause["message"]
    assert answer.json()["message"].startswith('PostgresOpsRequest.Postgresopsrequests.kubedb.com "op" is invalid')


def test_that_an_operation_cannot_be_changed(api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())
    created(api, operations(namespace), operation("PostgresOpsRequest", type="Restart"))

    changed = api.patch(operations(namespace) + "/op", json={"spec": {"timeout": "5m"}}, headers=MERGE)
    labelled = api.patch(operations(namespace) + "/op", json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE)

    assert changed.status_code == 403
    assert labelled.status_code == 200


@pytest.mark.processes
def test_that_versions_come_from_the_catalogue_and_follow_its_paths(fresh_cluster: Callable[[], ApiServer]) -> None:
    with connect_to(fresh_cluster()) as api:
        install_versions(api, v16_4=[">= 16.4, < 18.0"], v17_5=[">= 17.5"], v18_3=[">= 18.3"])
        created(api, postgreses("default"), postgres(version="16.4"))

        def attempt(target: str) -> httpx.Response:
            body = operation("PostgresOpsRequest", type="UpdateVersion", updateVersion={"targetVersion": target})
            return api.post(operations("default"), json=body, params={"dryRun": "All"})

        unknown = api.post(postgreses("default"), json={**postgres(version="1.0"), "metadata": {"name": "other"}})
        answers = {target: attempt(target) for target in ("17.5", "18.3", "1.0")}

    assert unknown.status_code == 403
    assert "failed to get PostgresVersion: " in unknown.json()["message"]
    assert answers["17.5"].status_code == 201
    assert "upgrade from version 16.4 to 18.3 is not supported" in answers["18.3"].json()["message"]
    assert answers["1.0"].status_code == 422


@pytest.mark.parametrize(("text", "value"), [("10Gi", 10 * 2**30), ("500m", 0.5), ("2", 2), (3, 3), ("1.5k", 1500)])
def test_that_quantities_are_read(text: object, value: float) -> None:
    assert quantity(text) == value
