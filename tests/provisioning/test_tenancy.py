"""That a tenant's namespace is closed but for what its databases need, and follows the quota."""

from typing import Any
from uuid import UUID

import pytest

from provisioning.engine import Body
from provisioning.models import Cluster, Database
from provisioning.tenancy import Tenancy, database_policy, pod_security, tenancy_of
from tenants.models import Quota

QUOTA = {"max_databases": 10, "max_cpu_millicores": 32_000, "max_memory_mib": 65_536, "max_storage_gib": 1_000}


def row(*, access_mode: str = "internal", allowed_cidrs: tuple[str, ...] = (), **cluster: Any) -> Database:
    return Database(
        id=UUID(int=2),
        tenant_id=UUID(int=1),
        cluster=Cluster(name="here", region="here", **cluster),
        namespace="dbaas-shop",
        object_name="pg-a",
        access_mode=access_mode,
        allowed_cidrs=list(allowed_cidrs),
    )


def tenancy(*, privileged: bool = False, quota: dict[str, int] | None = None, **cluster: Any) -> Tenancy:
    found = tenancy_of(row(**cluster), Quota(**{**QUOTA, **(quota or {})}), needs_privileged_pods=privileged)
    assert found is not None
    return found


def policies(**cluster: Any) -> dict[str, Body]:
    made = tenancy(**cluster).objects
    return {body["metadata"]["name"]: body["spec"] for body in made if body["kind"] == "NetworkPolicy"}


def clients(database: Database) -> list[Body]:
    (rule,) = database_policy(database, 5432)["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 5432}]
    return list(rule["from"])


def test_that_everything_is_closed_unless_another_policy_opens_it() -> None:
    assert policies()["dbaas-nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_that_what_databases_need_is_open() -> None:
    found = policies()

    assert set(found) == {
        "dbaas-nothing",
        "dbaas-neighbours",
        "dbaas-dns",
        "dbaas-outside",
        "dbaas-operators",
        "dbaas-monitoring",
    }
    assert found["dbaas-neighbours"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    assert [port["port"] for port in found["dbaas-outside"]["egress"][0]["ports"]] == [443, 6443]


@pytest.mark.parametrize(
    ("column", "policy"), [("operator_namespaces", "dbaas-operators"), ("monitoring_namespaces", "dbaas-monitoring")]
)
def test_that_a_cluster_without_such_namespaces_opens_nothing_for_them(column: str, policy: str) -> None:
    assert policy not in policies(**{column: []})


def test_that_calls_outward_can_be_narrowed() -> None:
    found = policies(egress_cidrs=["192.0.2.0/24"], egress_ports=[9000])["dbaas-outside"]

    assert found["egress"] == [
        {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"protocol": "TCP", "port": 9000}]}
    ]


def test_that_the_cluster_s_own_limits_lie_above_the_quota_and_follow_it() -> None:
    hard = next(body for body in tenancy().objects if body["kind"] == "ResourceQuota")["spec"]["hard"]
    larger = tenancy(quota={"max_storage_gib": 2_000})

    assert hard == {"requests.cpu": "48000m", "requests.memory": "93696Mi", "requests.storage": "1270Gi"}
    assert larger.fingerprint != tenancy().fingerprint == tenancy().fingerprint


def test_that_pods_without_requests_are_admitted() -> None:
    (limit,) = next(body for body in tenancy().objects if body["kind"] == "LimitRange")["spec"]["limits"]

    assert set(limit["defaultRequest"]) == {"cpu", "memory"}


@pytest.mark.parametrize(("privileged", "level"), [(False, "baseline"), (True, "privileged")])
def test_that_the_pod_security_level_is_as_high_as_the_engines_allow(privileged: bool, level: str) -> None:
    labels = tenancy(privileged=privileged).labels

    assert labels == pod_security(level)
    assert (labels["pod-security.kubernetes.io/enforce"], labels["pod-security.kubernetes.io/warn"]) == (
        level,
        "restricted",
    )


def test_that_our_accounts_are_bound_where_the_cluster_has_them() -> None:
    made = tenancy(accounts_namespace="dbaas-system", is_tenancy_enforced=False)

    assert (made.labels, [body["kind"] for body in made.objects]) == ({}, ["RoleBinding", "RoleBinding"])
    assert [body["roleRef"]["name"] for body in made.objects] == ["dbaas-worker-tenant", "dbaas-web-tenant"]
    assert made.objects[0]["subjects"] == [
        {"kind": "ServiceAccount", "name": "dbaas-worker", "namespace": "dbaas-system"}
    ]


def test_that_a_cluster_can_go_without() -> None:
    assert tenancy_of(row(is_tenancy_enforced=False), Quota(**QUOTA), needs_privileged_pods=False) is None


def test_that_pods_of_other_tenants_do_not_reach_a_database() -> None:
    (others,) = clients(row())

    assert others["namespaceSelector"]["matchExpressions"] == [{"key": "dbaas/tenant-id", "operator": "DoesNotExist"}]


def test_that_external_access_is_for_the_networks_that_were_named() -> None:
    named = row(access_mode="external", allowed_cidrs=("203.0.113.0/24",))

    assert clients(named)[1:] == [{"ipBlock": {"cidr": "203.0.113.0/24"}}]


def test_that_external_access_without_networks_is_for_everybody() -> None:
    assert [peer["ipBlock"]["cidr"] for peer in clients(row(access_mode="external"))[1:]] == ["0.0.0.0/0", "::/0"]


def test_that_the_policy_of_a_database_is_known_as_its_own() -> None:
    body = database_policy(row(), 5432)

    assert body["metadata"]["labels"]["dbaas/database-id"] == str(UUID(int=2))
    assert body["spec"]["podSelector"] == {"matchLabels": {"dbaas/database-id": str(UUID(int=2))}}
