"""How the tests render the chart: with the real Helm, without a cluster, into plain dicts."""

import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.helm.charted import CHART
from tests.devcluster import kubectl

Body = dict[str, Any]
SETS = sorted((Path(__file__).parent / "values").glob("*.yaml"))
NAMES = [path.stem for path in SETS]
RELEASE = "dbaas"
NAMESPACE = "databases"
DEADLINE_SECONDS = 60


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm where it can see no cluster and nothing of the machine's own settings."""
    with tempfile.TemporaryDirectory() as folder:
        line, environment = kubectl.command("helm", Path(folder) / "kubeconfig", *arguments)
        return subprocess.run(
            line, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS
        )


def rendered(*arguments: str) -> list[Body]:
    """Return the objects, hooks among them, that the chart gives for these arguments of `helm template`."""
    done = helm("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return [body for body in yaml.safe_load_all(done.stdout) if body]


def refusal(*arguments: str) -> str:
    """Return what Helm says to arguments that the chart refuses."""
    done = helm("template", RELEASE, str(CHART), *arguments)
    assert done.returncode != 0, "the chart accepts it"
    return done.stderr


@cache
def values_of(name: str) -> str:
    """Return the path of a set of values."""
    return str(next(path for path in SETS if path.stem == name))


@cache
def objects(name: str) -> tuple[Body, ...]:
    """Return what the chart gives for a set of values."""
    return tuple(rendered("--values", values_of(name)))


def one(bodies: tuple[Body, ...] | list[Body], kind: str, name: str) -> Body:
    """Return the one object of this kind and name."""
    found = [body for body in bodies if (body["kind"], body["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def of_kind(bodies: tuple[Body, ...] | list[Body], kind: str) -> list[Body]:
    """Return the objects of a kind."""
    return [body for body in bodies if body["kind"] == kind]


def pods(bodies: tuple[Body, ...] | list[Body]) -> Iterator[tuple[str, Body]]:
    """Give the spec of every pod that the objects lead to, with the object's name."""
    for body in bodies:
        if body["kind"] == "Pod":
            yield body["metadata"]["name"], body["spec"]
        elif body["kind"] in ("Deployment", "Job"):
            yield body["metadata"]["name"], body["spec"]["template"]["spec"]


def environment_of(bodies: tuple[Body, ...] | list[Body], name: str, secrets: dict[str, str]) -> dict[str, str]:
    """Return the variables that the first container of a pod gets, with `secrets` in the place of the Secret that it names."""
    spec = dict(pods(bodies))[name]
    container = spec["containers"][0]
    given: dict[str, str] = {}
    for source in container.get("envFrom", []):
        given |= one(bodies, "ConfigMap", source["configMapRef"]["name"])["data"] or {}
    for entry in container["env"]:
        reference = entry.get("valueFrom", {})
        if "secretKeyRef" in reference:
            key = reference["secretKeyRef"]
            assert key["key"] in secrets or key.get("optional"), f"{entry['name']} has no secret {key['key']}"
            given |= {entry["name"]: secrets[key["key"]]} if key["key"] in secrets else {}
        elif "fieldRef" in reference:
            given[entry["name"]] = "192.0.2.7"
        else:
            given[entry["name"]] = _expanded(str(entry["value"]), given)
    return given


def _expanded(text: str, given: dict[str, str]) -> str:
    """Replace $(NAME) by what was given before, as the kubelet does."""
    for name, value in given.items():
        text = text.replace(f"$({name})", value)
    return text
