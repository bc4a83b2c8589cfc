"""The server as a process: start, restart, ports, files."""

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.devcluster.apiserver.conftest import connect_to
from tests.devcluster.apiserver.samples import config_map, core, created, eventually
from tests.devcluster.conftest import ApiServer

pytestmark = pytest.mark.processes
Start = Callable[..., ApiServer]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_that_a_restart_keeps_everything(fresh_cluster: Start, number: signal.Signals) -> None:
    server = fresh_cluster()
    authority, token = server.ca_file.read_bytes(), server.token
    with connect_to(server) as api:
        kept = created(api, core("default", "configmaps"), config_map())

    server.stop(number=number)
    server.start()

    with connect_to(server) as api:
        assert api.get(core("default", "configmaps/settings")).json() == kept
        newer = created(api, core("default", "configmaps"), config_map("newer"))
        assert api.get("/apis/kubedb.com/v1/postgreses").status_code == 200
    assert int(newer["metadata"]["resourceVersion"]) > int(kept["metadata"]["resourceVersion"])
    assert (server.ca_file.read_bytes(), server.token) == (authority, token)


def test_that_a_stop_is_quick_and_clean_with_open_watches(fresh_cluster: Start) -> None:
    server = fresh_cluster()

    with connect_to(server) as api, api.stream("GET", core("default", "configmaps"), params={"watch": "1"}) as answer:
        code = server.stop()
        rest = list(answer.iter_lines())

    assert code == 0
    assert rest == []


def test_that_secrets_are_only_for_their_owner(cluster: ApiServer) -> None:
    for name in ("kubeconfig", "tokens.json", "ca.key", "server.key", "objects.sqlite3"):
        assert stat.S_IMODE((cluster.data_dir / name).stat().st_mode) == 0o600, name


@pytest.mark.parametrize("command", [["apiserver"], []])
def test_that_a_port_in_use_is_one_sentence(tmp_path: Path, command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = [sys.executable, "-m", "devcluster", *command, "--data-dir", str(tmp_path), "--port", port]
        done = subprocess.run(line, capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 1
    assert done.stderr == f"Port {port} on 127.0.0.1 is in use; choose another one with --port.\n"
    assert not (tmp_path / "kubeconfig").exists()


def test_that_a_data_directory_has_one_server(cluster: ApiServer) -> None:
    line = [sys.executable, "-m", "devcluster", "apiserver", "--data-dir", str(cluster.data_dir), "--port", "0"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("Another API server works in ")
    assert cluster.is_running


def is_free(lock: Path) -> bool:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_that_both_halves_live_and_end_together(tmp_path: Path, number: signal.Signals, code: int) -> None:
    server = ApiServer(tmp_path / "both", command="")
    server.start()

    with connect_to(server) as api:
        versions = "/apis/catalog.kubedb.com/v1alpha1/postgresversions"
        eventually(lambda: bool(api.get(versions).json()["items"]), "the operator works", within_seconds=15)
    actual = server.stop(number=number)

    assert actual == code
    eventually(lambda: is_free(server.data_dir / "operator.lock"), "the operator has ended")


def test_that_help_shows_how_to_begin() -> None:
    line = [sys.executable, "-m", "devcluster", "--help"]
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=20, check=True, env={**os.environ, "COLUMNS": "100"}
    )

    assert "kubectl --kubeconfig ./cluster/kubeconfig get namespaces" in done.stdout
    assert "--data-dir" in done.stdout


def test_that_other_crds_replace_ours(tmp_path: Path, fresh_cluster: Start) -> None:
    schema = "{type: object, x-kubernetes-preserve-unknown-fields: true}"
    version = "{name: v1, served: true, storage: true, schema: {openAPIV3Schema: " + schema + "}}"
    (tmp_path / "crd.yaml").write_text(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: apples.fruit.local}\n"
        "spec: {group: fruit.local, scope: Cluster, names: {plural: apples, kind: Apple}, versions: ["
        + version
        + "]}\n"
    )

    server = fresh_cluster("--crds", str(tmp_path))

    with connect_to(server) as api:
        created(api, "/apis/fruit.local/v1/apples", {"metadata": {"name": "one"}, "any": {"thing": 1}})
        assert api.get("/apis/kubedb.com/v1").status_code == 404
        assert api.get("/_faults").status_code == 404
