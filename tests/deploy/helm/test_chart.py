"""Tests of the chart as a package, and of the workflow that tries it on a real Kubernetes."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.commands import ROOT, faults_of
from tests.deploy.helm.charted import CHART
from tests.deploy.helm.rendering import NAMES, RELEASE, helm, objects, of_kind, rendered, values_of
from tests.docs.pages import text_of

WORKFLOW = ".github/workflows/chart.yml"


def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / WORKFLOW).read_text(encoding="utf-8"))
    return found


def test_that_the_chart_is_of_the_version_of_the_product() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    (version, *_) = re.findall(r"^## \[(\d[^\]]*)\]", text_of("CHANGELOG.md"), re.MULTILINE)

    assert chart["appVersion"] == version


def test_that_it_can_be_packaged(tmp_path: Path) -> None:
    done = helm("package", str(CHART), "--version", "9.9.9", "--app-version", "9.9.9", "--destination", str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["dbaas-9.9.9.tgz"]


def test_that_the_files_that_the_workflow_names_exist() -> None:
    text = (ROOT / WORKFLOW).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:deploy|tests)/[\w./-]+\w", text))

    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_that_the_workflow_runs_nothing_that_can_be_changed_behind_its_name() -> None:
    used = [step["uses"] for job in workflow()["jobs"].values() for step in job["steps"] if "uses" in step]

    assert len(used) > 5
    assert [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)] == []


def test_that_what_the_workflow_installs_is_a_release_that_the_chart_accepts() -> None:
    bodies = rendered("--values", str(ROOT / "tests/deploy/helm/kind/values.yaml"))

    assert {container["image"] for body in of_kind(bodies, "Deployment") for container in _containers(body)} == {
        "dbaas:test"
    }


@pytest.mark.parametrize("name", NAMES)
def test_that_the_notes_name_commands_and_objects_that_exist(name: str) -> None:
    told = helm("install", RELEASE, str(CHART), "--dry-run=client", "--values", values_of(name)).stdout
    notes = told.partition("\nNOTES:\n")[2]
    named = set(re.findall(r"(deployment|service)/([a-z-]+)", notes))
    there = {(body["kind"].lower(), body["metadata"]["name"]) for body in objects(name)}

    assert re.findall(r"manage\.py \w+", notes) == ["manage.py create_operator", "manage.py register_cluster"]
    assert [faults_of(command) for command in re.findall(r"manage\.py \w+", notes)] == [[], []]
    assert named
    assert named <= there


def test_that_the_workflow_and_the_page_use_options_that_helm_has() -> None:
    steps = [step.get("run", "") for job in workflow()["jobs"].values() for step in job["steps"]]
    page = re.findall(r"^(helm .*)$", text_of("docs/kubernetes.md"), re.MULTILINE)
    lines = [line for line in "\n".join([*steps, *page]).splitlines() if line.strip().startswith("helm ")]
    unknown = [f"{line}: {option}" for line in lines for option in _unknown_options(line)]

    assert len(lines) > 7
    assert unknown == []


def _unknown_options(line: str) -> list[str]:
    words = shlex.split(line)
    command = words[1:3] if words[1] == "registry" else words[1:2]
    known = set(re.findall(r"--[a-z-]+", helm(*command, "--help").stdout))
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


def _containers(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["spec"]["template"]["spec"]["containers"]
    return found
