"""Tests of what the chart lets whom do: accounts, network policies, and the policy against overtaken workers."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import yaml
from cel_expr_python import cel

from tests.deploy.commands import ROOT
from tests.deploy.helm.charted import CHART
from tests.deploy.helm.rendering import NAMESPACE, Body, objects, of_kind, one, refusal, rendered, values_of

WORKER = f"system:serviceaccount:{NAMESPACE}:dbaas-worker"
GRANTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
SOURCE = CHART / "files/rbac.yaml"


def granted(bodies: Any) -> list[Body]:
    """Return what grants something, without labels and with the place of the namespace left open."""
    found = []
    for body in bodies:
        if body["kind"] in GRANTS and body["metadata"]["name"] != "dbaas":
            metadata = {key: value for key, value in body["metadata"].items() if key in ("name", "namespace")}
            found.append({**body, "metadata": metadata})
    return sorted(found, key=lambda body: (body["kind"], body["metadata"]["name"]))


def test_that_the_accounts_may_do_exactly_what_the_manifest_says() -> None:
    told = SOURCE.read_text(encoding="utf-8").replace("dbaas-system", NAMESPACE)

    assert granted(objects("minimal")) == granted(yaml.safe_load_all(told))
    assert len(granted(objects("minimal"))) > 8


def test_that_nobody_may_do_everything() -> None:
    rules = [rule for role in of_kind(objects("minimal"), "ClusterRole") for rule in role["rules"]]

    assert rules
    assert [rule for rule in rules if "*" in rule["verbs"] + rule["resources"] + rule["apiGroups"]] == []


def test_that_without_accounts_the_pods_have_one_without_rights() -> None:
    deployments = of_kind(objects("keda"), "Deployment")

    assert [body for body in objects("keda") if body["kind"] in GRANTS[1:]] == []
    assert {body["spec"]["template"]["spec"]["serviceAccountName"] for body in deployments} == {"databases"}


def policy_of(name: str, process: str) -> Body:
    spec: Body = one(objects(name), "NetworkPolicy", f"dbaas-{process}")["spec"]
    return spec


@pytest.mark.parametrize("process", ["web", "worker", "webhooks", "beat", "watcher", "flower", "migrate"])
def test_that_every_process_is_closed_in_both_directions(process: str) -> None:
    policy = policy_of("production", process)

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == process


@pytest.mark.parametrize(
    ("process", "ports"),
    [
        ("web", {53, 5432, 27017, 6379, 443, 6443, 9090}),
        ("worker", {53, 5432, 27017, 6379, 443, 6443, 25, 465, 587, 9090}),
        ("beat", {53, 5432, 27017, 6379, 8000, 9090}),
        ("flower", {53, 6379, 9090}),
        ("migrate", {53, 5432, 27017, 6379, 9090}),
    ],
)
def test_that_a_process_calls_what_it_needs_and_nothing_else(process: str, ports: set[int]) -> None:
    egress = policy_of("production", process)["egress"]

    assert {port["port"] for rule in egress for port in rule["ports"]} == ports


def test_that_web_is_open_to_whom_it_is_told_and_to_our_own_pods() -> None:
    (rule,) = policy_of("production", "web")["ingress"]

    names = [peer.get("namespaceSelector", peer.get("podSelector"))["matchLabels"] for peer in rule["from"]]
    assert names == [
        {"app.kubernetes.io/instance": "dbaas"},
        {"kubernetes.io/metadata.name": "ingress-nginx"},
    ]


def test_that_flower_is_closed_unless_it_is_to_be_seen() -> None:
    assert "ingress" not in policy_of("minimal", "flower")
    assert policy_of("production", "flower")["ingress"][0]["from"]


@pytest.mark.parametrize(
    ("address", "is_reached"),
    [
        ("93.184.215.14", True),
        ("2606:2800:220:1::1", True),
        ("10.20.1.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("fd00::1", False),
        ("64:ff9b::a00:1", False),
    ],
)
def test_that_webhooks_reach_public_addresses_only(address: str, is_reached: bool) -> None:
    policy = policy_of("minimal", "webhooks")

    assert reaches(policy, address) is is_reached


def test_that_webhooks_reach_networks_that_are_allowed_to_them() -> None:
    policy = one(objects("keda"), "NetworkPolicy", "databases-webhooks")["spec"]

    assert reaches(policy, "10.20.1.1")
    assert reaches(policy, "10.30.1.1")
    assert not reaches(policy, "10.40.1.1")


def reaches(policy: Body, address: str) -> bool:
    blocks = [peer["ipBlock"] for rule in policy["egress"] for peer in rule.get("to", []) if "ipBlock" in peer]
    assert blocks
    wanted = ip_address(address)
    return any(
        wanted in ip_network(block["cidr"]) and not any(wanted in ip_network(part) for part in block.get("except", []))
        for block in blocks
    )


def fenced(value: str | None) -> Body:
    annotations = {} if value is None else {"annotations": {"dbaas/fence": value}}
    return {"metadata": {"name": "orders", **annotations}}


def admits(old: Body, new: Body, user: str = WORKER) -> bool:
    """Evaluate the rendered policy as an API server does: conditions choose the requests, validations must all hold."""
    spec = one(objects("production"), "ValidatingAdmissionPolicy", "dbaas-fence")["spec"]
    given = {"object": new, "oldObject": old, "request": {"userInfo": {"username": user}}}
    is_meant = all(evaluated(condition["expression"], given) for condition in spec["matchConditions"])
    return not is_meant or all(evaluated(validation["expression"], given) for validation in spec["validations"])


def evaluated(expression: str, given: Body) -> bool:
    environment = cel.NewEnv(variables=dict.fromkeys(given, cel.Type.DYN))
    answer = environment.compile(expression).eval(data=given)
    assert answer.type() == cel.Type.BOOL, answer
    return bool(answer.value())


@pytest.mark.parametrize(
    ("old", "new", "is_admitted"),
    [
        ("7", "7", True),
        ("7", "8", True),
        ("9", "10", True),
        ("8", "7", False),
        ("10", "9", False),
        ("7", None, False),
        (None, None, True),
        (None, "7", True),
    ],
)
def test_that_the_policy_refuses_who_was_overtaken(old: str | None, new: str | None, is_admitted: bool) -> None:
    assert admits(fenced(old), fenced(new)) is is_admitted


def test_that_the_policy_is_about_the_product_alone() -> None:
    assert admits(fenced("8"), fenced("7"), user="system:serviceaccount:kubedb:kubedb-provisioner")


def test_that_the_policy_is_that_of_the_manifest() -> None:
    text = (ROOT / "deploy/kubernetes/fence-policy.yaml").read_text(encoding="utf-8")
    told = yaml.safe_load_all(text.replace("system:serviceaccount:dbaas:dbaas-worker", WORKER))

    for body in told:
        assert one(objects("production"), body["kind"], body["metadata"]["name"])["spec"] == body["spec"]


def test_that_the_policy_needs_the_workers_account() -> None:
    arguments = ("--values", values_of("minimal"), "--set", "fencePolicy.enabled=true,rbac.create=false")

    assert "needs rbac.create" in refusal(*arguments)


def test_that_policies_can_be_left_out() -> None:
    bodies = rendered("--values", values_of("minimal"), "--set", "networkPolicy.enabled=false")

    assert of_kind(bodies, "NetworkPolicy") == []
