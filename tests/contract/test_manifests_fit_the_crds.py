"""That KubeDB's API takes what we write: every golden manifest against the published CRDs, and against those of the pocket cluster."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from provisioning.cluster.kinds import DATABASE_KINDS
from provisioning.engine import Body
from tests.contract.schemas import ROOT, Schemas, published_schemas, strict
from tests.provisioning.golden.cases import CASES, FOLDER, Case

COMPACT = ROOT / "devcluster/crds"

Change = Callable[[Body], None]


@pytest.fixture(scope="session")
def published() -> Schemas:
    """The CRDs as KubeDB publishes them."""
    return published_schemas(DATABASE_KINDS)


@pytest.fixture(scope="session")
def compact() -> Schemas:
    """The CRDs that the pocket cluster is started with."""
    return Schemas(COMPACT, DATABASE_KINDS)


def manifests(case: Case) -> list[Body]:
    return list(yaml.safe_load_all((FOLDER / case.file).read_text()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_the_published_crds_know_every_field(case: Case, published: Schemas) -> None:
    problems = [problem for body in manifests(case) for problem in published.problems(body)]

    assert problems == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_the_pocket_clusters_crds_know_every_field(case: Case, compact: Schemas) -> None:
    problems = [problem for body in manifests(case) for problem in compact.problems(body)]

    assert problems == []


def test_that_every_kind_we_write_is_written_down_somewhere() -> None:
    kinds = {body["kind"] for case in CASES for body in manifests(case)}

    assert kinds == {kind.kind for kind in DATABASE_KINDS}


def changed(*path: str | int, to: Any) -> Change:
    """Set what is at the path."""

    def change(body: Body) -> None:
        place: Any = body
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = to

    return change


def without(name: str) -> Change:
    """Take a field of `spec` out."""

    def change(body: Body) -> None:
        del body["spec"][name]

    return change


_CONTAINER = ("spec", "podTemplate", "spec", "containers", 0)
BREAKS: dict[str, tuple[Change, str]] = {
    "an unknown field": (changed("spec", "colour", to="red"), "colour"),
    "an unknown field at the root": (changed("data", to={}), "data"),
    "an unknown field of a container": (changed(*_CONTAINER, "colour", to="red"), "colour"),
    "an unknown field of metadata": (changed("metadata", "colour", to="red"), "colour"),
    "the field of the older version": (changed("spec", "terminationPolicy", to="Delete"), "terminationPolicy"),
    "a wrong type": (changed("spec", "replicas", to="three"), "spec.replicas"),
    "a wrong type of a quantity": (changed(*_CONTAINER, "resources", "limits", "cpu", to=True), "limits.cpu"),
    "a quantity that is none": (changed(*_CONTAINER, "resources", "limits", "memory", to="much"), "limits.memory"),
    "null where none may be": (changed("spec", "storageType", to=None), "spec.storageType"),
    "a wrong word": (changed("spec", "deletionPolicy", to="Never"), "spec.deletionPolicy"),
    "a missing field": (without("version"), "version"),
    "the other version of the API": (changed("apiVersion", to="kubedb.com/v1alpha2"), "apiVersion"),
    "a label that is too long": (changed("metadata", "labels", "dbaas/tenant-id", to="x" * 64), "dbaas/tenant-id"),
}
"""What must not pass, and what the complaint must name."""


@pytest.mark.parametrize("name", BREAKS)
def test_that_the_check_refuses(name: str, published: Schemas) -> None:
    change, named = BREAKS[name]
    body = copy.deepcopy(manifests(CASES[0])[0])
    change(body)

    problems = published.problems(body)

    assert problems
    assert all(named in problem for problem in problems)


def test_that_a_schema_that_keeps_unknown_fields_stays_open() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "x-kubernetes-preserve-unknown-fields": True}

    assert "additionalProperties" not in strict(schema)


def test_that_a_property_named_like_a_keyword_is_kept() -> None:
    schema = {"type": "object", "properties": {"default": {"type": "string"}}}

    assert strict(schema)["properties"] == {"default": {"type": "string"}}


def test_that_a_nullable_schema_takes_null_and_stays_closed() -> None:
    made = strict({"type": "object", "nullable": True, "properties": {"a": {"type": "string"}}})

    assert {"type": "null"} in made["anyOf"]
    assert made["anyOf"][0]["additionalProperties"] is False
