"""Tests of what the chart renders: it is valid Kubernetes, fits together, and every pod is closed down."""

from typing import Any

import orjson
import pytest
from kubernetes import client

from tests.deploy.commands import faults_of
from tests.deploy.helm.charted import CHART
from tests.deploy.helm.rendering import NAMES, Body, helm, objects, of_kind, one, pods, rendered, values_of

TYPES = {"HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler"}
"""Others are of version 1."""
FOREIGN = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication"}
"""Kinds of operators that may be installed: Kubernetes does not know them."""
PRODUCT = ("web", "worker", "webhooks", "beat", "watcher", "flower")
each_set = pytest.mark.parametrize("name", NAMES)


def through_types(body: Body) -> Any:
    kubernetes = client.ApiClient()
    kind = TYPES.get(body["kind"], f"V1{body['kind']}")
    typed = kubernetes.deserialize(orjson.dumps(body).decode(), kind, "application/json")
    return kubernetes.sanitize_for_serialization(typed)


@each_set
def test_that_helm_finds_nothing_to_warn_about(name: str) -> None:
    done = helm("lint", "--strict", str(CHART), "--values", values_of(name))

    assert "0 chart(s) failed" in done.stdout
    assert "[WARNING]" not in done.stdout


@each_set
def test_that_every_object_survives_the_way_through_kubernetes_types(name: str) -> None:
    changed = [
        f"{body['kind']} {body['metadata']['name']}"
        for body in objects(name)
        if body["kind"] not in FOREIGN and through_types(body) != body
    ]

    assert changed == []


def test_that_this_finds_a_field_that_is_none() -> None:
    wrong = orjson.loads(orjson.dumps(one(objects("minimal"), "Deployment", "dbaas-web")))
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}

    assert through_types(wrong) != wrong


@each_set
def test_that_no_two_objects_have_one_name(name: str) -> None:
    found = [(body["kind"], body["metadata"]["name"]) for body in objects(name)]

    assert len(found) == len(set(found))


@each_set
def test_that_selectors_find_the_pods_that_they_mean(name: str) -> None:
    templates = {
        body["metadata"]["name"]: body["spec"]["template"]["metadata"]["labels"]
        for body in of_kind(objects(name), "Deployment")
    }
    chosen = {
        body["metadata"]["name"]: [
            found for found, labels in templates.items() if _selector(body).items() <= labels.items()
        ]
        for body in objects(name)
        if body["kind"] in ("Deployment", "Service", "PodDisruptionBudget")
    }

    assert chosen == {found: [found] for found in chosen}
    assert chosen


@each_set
def test_that_autoscalers_and_budgets_belong_to_deployments(name: str) -> None:
    deployments = {body["metadata"]["name"]: body["spec"] for body in of_kind(objects(name), "Deployment")}
    scaled = [
        body["spec"]["scaleTargetRef"]["name"]
        for body in objects(name)
        if body["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")
    ]

    assert scaled
    assert [target for target in scaled if "replicas" in deployments[target]] == []
    assert [found for found, spec in deployments.items() if "replicas" not in spec and found not in scaled] == []


@each_set
def test_that_pods_may_do_nothing_that_they_need_not(name: str) -> None:
    for _, spec in pods(objects(name)):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "hostNetwork" not in spec
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]["memory"]


@each_set
def test_that_what_is_mounted_is_there(name: str) -> None:
    for _, spec in pods(objects(name)):
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        mounts = {mount["name"] for container in spec["containers"] for mount in container.get("volumeMounts", [])}

        assert mounts == volumes


@each_set
def test_that_commands_are_those_of_the_image(name: str) -> None:
    commands = {
        found: " ".join(spec["containers"][0]["command"])
        for found, spec in pods(objects(name))
        if not found.endswith("test-ready")
    }

    assert {found: faults_of(command) for found, command in commands.items()} == {found: [] for found in commands}


def test_that_every_process_of_the_product_runs() -> None:
    assert {body["metadata"]["name"] for body in of_kind(objects("minimal"), "Deployment")} == {
        f"dbaas-{process}" for process in PRODUCT
    }


@pytest.mark.parametrize(
    ("process", "least_seconds"), [("web", 35), ("worker", 24 + 10), ("webhooks", 24 + 10), ("watcher", 10)]
)
def test_that_processes_are_given_the_time_that_they_need_to_end(process: str, least_seconds: int) -> None:
    spec = dict(pods(objects("minimal")))[f"dbaas-{process}"]

    assert spec["terminationGracePeriodSeconds"] >= least_seconds


def test_that_only_the_processes_that_call_clusters_hold_a_token() -> None:
    holding = [name for name, spec in pods(objects("minimal")) if spec["automountServiceAccountToken"]]

    assert sorted(holding) == ["dbaas-watcher", "dbaas-web", "dbaas-worker"]


def test_that_flower_holds_no_secret_but_the_brokers_and_its_own() -> None:
    container = dict(pods(objects("production")))["dbaas-flower"]["containers"][0]

    assert "envFrom" not in container
    assert [entry["name"] for entry in container["env"]] == ["CELERY_BROKER_URL", "FLOWER_BASIC_AUTH"]


def test_that_neither_metrics_nor_readiness_are_open_to_the_outside() -> None:
    rules = one(objects("production"), "Ingress", "dbaas")["spec"]["rules"]
    paths = [path["path"] for path in rules[0]["http"]["paths"] if path["pathType"] == "Prefix"]

    assert paths == ["/api", "/admin", "/static", "/docs", "/health/live"]
    assert [rule["host"] for rule in rules] == ["dbaas.example.com", "flower.example.com"]


def test_that_the_image_is_pinned_by_its_digest() -> None:
    images = {container["image"] for _, spec in pods(objects("production")) for container in spec["containers"]}

    assert images == {"registry.example.com/dbaas@sha256:" + "0123456789abcdef" * 4}


def test_that_kubeconfigs_go_to_the_processes_that_call_clusters() -> None:
    mounted = [
        name
        for name, spec in pods(objects("production"))
        if any(volume["name"] == "kubeconfigs" for volume in spec.get("volumes", []))
    ]

    assert sorted(mounted) == ["dbaas-watcher", "dbaas-web", "dbaas-worker"]


def test_that_migrations_come_first_and_need_nothing_of_the_release() -> None:
    hooks = [body for body in objects("minimal") if "helm.sh/hook" in body["metadata"].get("annotations", {})]
    first = [body for body in hooks if body["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"]
    job = one(first, "Job", "dbaas-migrate")
    container = job["spec"]["template"]["spec"]["containers"][0]
    referred = {entry["valueFrom"]["secretKeyRef"]["name"] for entry in container["env"] if "valueFrom" in entry}

    assert sorted(body["kind"] for body in first) == ["ConfigMap", "Job", "Secret"]
    assert referred == {"dbaas-migrate"}
    assert container["envFrom"] == [{"configMapRef": {"name": "dbaas-migrate"}}]
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "default"


def test_that_a_long_release_name_makes_no_name_too_long() -> None:
    long = "a-release-with-a-name-as-long-as-helm-allows-it-12345"
    done = helm("template", long, str(CHART), "--values", values_of("minimal"))

    names = [line.split(": ", 1)[1] for line in done.stdout.splitlines() if line.startswith("  name: ")]

    assert done.returncode == 0
    assert max(map(len, names)) <= 63


@pytest.mark.parametrize(("name", "may_be_away"), [("minimal", 0), ("production", 1)])
def test_that_an_update_of_web_needs_no_node_that_there_may_not_be(name: str, may_be_away: int) -> None:
    strategy = one(objects(name), "Deployment", "dbaas-web")["spec"]["strategy"]["rollingUpdate"]

    assert strategy == {"maxSurge": 1, "maxUnavailable": may_be_away}


def test_that_what_is_set_reaches_every_pod() -> None:
    bodies = rendered("--values", values_of("keda"))

    for body in of_kind(bodies, "Deployment"):
        template = body["spec"]["template"]
        assert template["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
        assert template["metadata"]["labels"]["network"] == "closed"
        assert template["spec"]["priorityClassName"] == "platform"
        assert template["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
        assert template["spec"]["tolerations"][0]["key"] == "platform"
        assert {"name": "HTTPS_PROXY", "value": "http://proxy:3128"} in template["spec"]["containers"][0]["env"]
        assert body["metadata"]["labels"]["team"] == "platform"


def _selector(body: Body) -> dict[str, str]:
    selector = body["spec"]["selector"]
    found: dict[str, str] = selector.get("matchLabels", selector)
    return found
