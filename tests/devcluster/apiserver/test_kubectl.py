"""The real kubectl and Helm as conformance peers."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml

from tests.devcluster import kubectl
from tests.devcluster.apiserver.samples import Body, core, created, eventually, is_gone, postgres, postgreses
from tests.devcluster.conftest import ApiServer

pytestmark = pytest.mark.processes
Kubectl = Callable[..., str]
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def run(cluster: ApiServer, namespace: str) -> Kubectl:
    """Give kubectl, working in the test's namespace."""

    def run_kubectl(*arguments: str, **more: object) -> str:
        return kubectl.run(cluster.kubeconfig, "--namespace", namespace, *arguments, **more)  # type: ignore[arg-type] # a test's shorthand

    return run_kubectl


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    """Give a file with one object of each sort: custom, allocated, encoded, keyed lists."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "one"}]}}
    objects: list[Body] = [
        postgres(deletionPolicy="Delete"),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "Yg=="}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "d"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
        },
    ]
    path = tmp_path / "manifest.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def start(cluster: ApiServer, *arguments: str) -> subprocess.Popen[str]:
    line, environment = kubectl.command("kubectl", cluster.kubeconfig, *arguments)
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True)


def test_that_apply_creates_then_changes_nothing(run: Kubectl, manifest: str) -> None:
    first, second = run("apply", "-f", manifest), run("apply", "-f", manifest)

    assert first.count("created") == 4
    assert second.count("unchanged") == 4


def test_that_server_side_apply_works_twice(run: Kubectl, manifest: str) -> None:
    run("apply", "--server-side", "-f", manifest)
    before = run("get", "-f", manifest, "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    run("apply", "--server-side", "-f", manifest)

    assert run("get", "-f", manifest, "-o", "jsonpath={.items[*].metadata.resourceVersion}") == before


def test_that_an_applied_change_merges_into_the_container(run: Kubectl, manifest: str) -> None:
    run("apply", "-f", manifest)
    run("set", "env", "deployment/d", "ADDED=1")
    Path(manifest).write_text(Path(manifest).read_text().replace("image: one", "image: two"))

    run("apply", "-f", manifest)

    container = json.loads(run("get", "deployment/d", "-o", "json"))["spec"]["template"]["spec"]["containers"][0]
    assert container == {"name": "c", "image": "two", "env": [{"name": "ADDED", "value": "1"}]}


def test_that_get_prints_the_columns(run: Kubectl, manifest: str, namespace: str) -> None:
    run("apply", "-f", manifest)

    one = run("get", "pg")
    many = run("get", "pg,rd,my,mg,es", "-A")
    services = run("get", "svc")

    assert one.split("\n")[0].split() == ["NAME", "VERSION", "STATUS", "AGE"]
    assert one.split("\n")[1].split()[:2] == ["pg", "17.5"]
    assert f"{namespace} " in many
    assert services.split("\n")[0].split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]


def test_that_describe_shows_spec_and_events(run: Kubectl, manifest: str, api: httpx.Client, namespace: str) -> None:
    run("apply", "-f", manifest)
    stored = api.get(postgreses(namespace) + "/pg").json()
    involved = {"kind": "Postgres", "name": "pg", "namespace": namespace, "uid": stored["metadata"]["uid"]}
    event = {
        "metadata": {"name": "e"},
        "involvedObject": involved,
        "type": "Normal",
        "reason": "Made",
        "message": "Done.",
    }
    created(api, core(namespace, "events"), event)

    text = run("describe", "pg", "pg")

    assert re.search(r"Version: +17.5\n", text)
    assert "Done." in text


def test_that_typed_creates_are_understood(run: Kubectl, namespace: str) -> None:
    run("create", "secret", "generic", "typed", "--from-literal=user=me", "--from-literal=empty=")
    run("create", "configmap", "typed", "--from-literal=a=b")
    run("create", "serviceaccount", "typed")
    run("create", "role", "typed", "--verb=get", "--verb=list", "--resource=secrets")
    run("create", "rolebinding", "typed", "--role=typed", f"--serviceaccount={namespace}:typed")

    token = run("create", "token", "typed").strip()

    assert token.count(".") == 2
    assert json.loads(run("get", "secret/typed", "-o", "json"))["data"] == {"user": "bWU=", "empty": ""}
    assert json.loads(run("get", "role/typed", "-o", "json"))["rules"][0]["verbs"] == ["get", "list"]
    assert run("auth", "can-i", "create", "pods").strip() == "yes"
    assert run("auth", "can-i", "get", "secrets", "--as", "nobody", is_success=False).strip() == "no"


def test_that_a_watch_prints_changes(cluster: ApiServer, api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())
    process = start(cluster, "--namespace", namespace, "get", "pg", "--watch")
    assert process.stdout is not None

    heading, first = process.stdout.readline(), process.stdout.readline()
    api.patch(postgreses(namespace) + "/pg/status", json={"status": {"phase": "Ready"}}, headers=MERGE)
    second = process.stdout.readline()
    process.terminate()
    process.communicate()

    assert heading.split() == ["NAME", "VERSION", "STATUS", "AGE"]
    assert first.split()[:2] == ["pg", "17.5"]
    assert second.split()[:3] == ["pg", "17.5", "Ready"]


@pytest.mark.parametrize("question", ["jsonpath={.status.phase}=Ready", "condition=Provisioned", "delete"])
def test_that_wait_ends_when_the_time_has_come(
    cluster: ApiServer, api: httpx.Client, namespace: str, question: str
) -> None:
    created(api, postgreses(namespace), postgres())
    process = start(cluster, "--namespace", namespace, "wait", "pg/pg", f"--for={question}", "--timeout=10s")
    condition = {"type": "Provisioned", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status = {"status": {"phase": "Ready", "conditions": [condition]}}

    if question == "delete":
        api.delete(postgreses(namespace) + "/pg")
    else:
        api.patch(postgreses(namespace) + "/pg/status", json=status, headers=MERGE)
    process.communicate(timeout=10)

    assert process.returncode == 0


def test_that_delete_waits_for_the_end(run: Kubectl, api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())

    run("delete", "pg", "pg")
    run("delete", "namespace", namespace)

    assert is_gone(api, f"/api/v1/namespaces/{namespace}")()


def test_that_a_refusal_reads_as_on_a_real_cluster(run: Kubectl) -> None:
    unknown = run("create", "-f", "-", stdin=yaml.safe_dump(postgres(colour="red")), is_success=False)
    invalid = run("create", "-f", "-", stdin=yaml.safe_dump(postgres(storageType="No")), is_success=False)
    run("create", "-f", "-", stdin=yaml.safe_dump(postgres(deletionPolicy="DoNotTerminate")))
    denied = run("delete", "pg", "pg", is_success=False)

    assert 'strict decoding error: unknown field "spec.colour"' in unknown
    assert 'spec.storageType: Unsupported value: "No": supported values: "Durable", "Ephemeral"' in invalid
    assert 'admission webhook "postgreswebhook.validators.kubedb.com" denied the request' in denied


def test_that_the_surroundings_look_like_a_cluster(run: Kubectl) -> None:
    resources, version = run("api-resources"), run("version")
    nodes, classes = run("get", "nodes"), run("get", "storageclass")

    assert "postgresopsrequests" in resources
    assert "Server Version: v1." in version
    assert nodes.split("\n")[1].split()[:2] == ["pocket", "Ready"]
    assert classes.split("\n")[1].split()[:2] == ["standard", "(default)"]


def test_that_helm_installs_upgrades_and_uninstalls(
    cluster: ApiServer, api: httpx.Client, namespace: str, tmp_path: Path
) -> None:
    def helm(*arguments: str) -> str:
        return kubectl.run(cluster.kubeconfig, "--namespace", namespace, *arguments, tool="helm")

    def color() -> str:
        return str(api.get(core(namespace, "configmaps/one")).json()["data"]["color"])

    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: tiny\nversion: 0.1.0\n")
    (tmp_path / "templates" / "all.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {color: {{ .Values.color }}}\n"
    )

    helm("install", "one", str(tmp_path), "--set", "color=red")
    installed = color()
    helm("upgrade", "one", str(tmp_path), "--set", "color=blue")
    upgraded, listed = color(), helm("list")
    helm("uninstall", "one", "--wait")

    assert (installed, upgraded) == ("red", "blue")
    assert "deployed" in listed
    eventually(is_gone(api, core(namespace, "configmaps/one")), "the chart's object goes")
