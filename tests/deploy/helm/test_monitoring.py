"""Tests that Prometheus finds what shows metrics, and gets the alerts as they were tested."""

import json

import yaml

from tests.deploy.commands import ROOT
from tests.deploy.helm.charted import CHART
from tests.deploy.helm.rendering import objects, of_kind, one, pods, rendered, values_of


def test_that_the_alerts_are_those_of_the_file_but_for_where_runbooks_are() -> None:
    text = (CHART / "files/rules.yml").read_text(encoding="utf-8")
    told = yaml.safe_load(text.replace("docs/runbook.md#", "https://runbooks.example.com/dbaas#"))

    rule = one(objects("production"), "PrometheusRule", "dbaas")

    assert rule["spec"] == told
    assert "https://runbooks.example.com/dbaas#" in str(told)


def test_that_grafana_gets_every_dashboard_as_it_is() -> None:
    sources = {path.name: path for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")}
    made = [body for body in of_kind(objects("production"), "ConfigMap") if "-dashboard-" in body["metadata"]["name"]]

    given = {name: json.loads(text) for body in made for name, text in body["data"].items()}

    assert given == {name: json.loads(path.read_text(encoding="utf-8")) for name, path in sources.items()}
    assert {body["metadata"]["labels"]["grafana_dashboard"] for body in made} == {"1"}
    assert len(made) == 4


def test_that_monitors_are_found_by_prometheus() -> None:
    monitors = [
        one(objects("production"), kind, "dbaas") for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule")
    ]

    assert [body["metadata"]["labels"]["release"] for body in monitors] == ["prometheus"] * 3


def test_that_every_target_is_of_the_job_that_the_alerts_know() -> None:
    service = one(objects("production"), "ServiceMonitor", "dbaas")["spec"]
    labels = one(objects("production"), "Service", "dbaas-web")["metadata"]["labels"]

    assert service["selector"]["matchLabels"].items() <= labels.items()
    assert labels[service["jobLabel"]] == "dbaas"
    assert one(objects("production"), "PodMonitor", "dbaas")["spec"]["jobLabel"] == service["jobLabel"]


def test_that_every_process_with_counters_is_scraped_where_it_shows_them() -> None:
    monitor = one(objects("production"), "PodMonitor", "dbaas")["spec"]
    (chosen,) = monitor["selector"]["matchExpressions"]
    for process in chosen["values"]:
        container = dict(pods(objects("production")))[f"dbaas-{process}"]["containers"][0]
        variables = {entry["name"]: entry.get("value") for entry in container["env"]}

        assert container["ports"] == [{"name": "metrics", "containerPort": 9100, "protocol": "TCP"}]
        assert (variables["METRICS_ADDRESS"], variables["METRICS_PORT"]) == ("0.0.0.0", "9100")  # noqa: S104 -- what the pod says
    assert chosen["values"] == ["worker", "webhooks", "watcher"]


def test_that_nothing_of_another_operator_is_made_unasked() -> None:
    kinds = {body["kind"] for body in objects("minimal")}

    assert kinds & {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject"} == set()


def test_that_keda_looks_at_the_queues_that_workers_take() -> None:
    scaled = one(objects("keda"), "ScaledObject", "databases-worker")["spec"]

    assert [trigger["metadata"]["listName"] for trigger in scaled["triggers"]] == ["ops", "maintenance"]
    assert {trigger["metadata"]["address"] for trigger in scaled["triggers"]} == {"broker:6379"}
    assert one(objects("keda"), "TriggerAuthentication", "databases-worker")["spec"]["secretTargetRef"] == [
        {"parameter": "password", "name": "broker", "key": "password"}
    ]


def test_that_memory_scales_web_and_not_the_workers() -> None:
    bodies = rendered("--values", values_of("minimal"))

    metrics = {
        body["metadata"]["name"]: [metric["resource"]["name"] for metric in body["spec"]["metrics"]]
        for body in of_kind(bodies, "HorizontalPodAutoscaler")
    }

    assert metrics == {"dbaas-web": ["cpu", "memory"], "dbaas-worker": ["cpu"]}
