"""That everybody who is logged in can see what can be ordered."""

import pytest

from accounts.models import User
from provisioning.engines import all_engines
from provisioning.models import Cluster
from provisioning.sizes import PLANS
from tests.cast import Api, body_of, problem


def test_that_engines_tell_their_topologies(api: Api, alice: User) -> None:
    found = body_of(api.by(alice).get("engines"))["items"]

    assert [engine["name"] for engine in found] == list(all_engines())
    postgres = next(engine for engine in found if engine["name"] == "postgres")
    assert [topology["name"] for topology in postgres["topologies"]][:2] == ["standalone", "replicated"]
    assert postgres["topologies"][1]["fields"][0]["name"] == "replicas"


@pytest.mark.parametrize("name", list(all_engines()))
def test_that_each_engine_has_one_default_version(api: Api, alice: User, name: str) -> None:
    found = body_of(api.by(alice).get(f"engines/{name}/versions"))["items"]

    assert [version["name"] for version in found if version["is_default"]] == [all_engines()[name].default_version]


def test_that_an_unknown_engine_has_no_versions(api: Api, alice: User) -> None:
    assert problem(api.by(alice).get("engines/oracle/versions")) == (404, "engine.not_found")


def test_that_plans_are_listed_from_small_to_large(api: Api, alice: User) -> None:
    found = body_of(api.by(alice).get("plans"))["items"]

    assert [plan["name"] for plan in found] == list(PLANS)
    assert [plan["name"] for plan in found if plan["is_default"]] == ["small"]


def test_that_a_region_accepts_while_one_of_its_clusters_does(api: Api, alice: User) -> None:
    Cluster.objects.create(name="a", region="east", accepts_databases=False)
    Cluster.objects.create(name="b", region="west", accepts_databases=False)
    Cluster.objects.create(name="c", region="west")

    found = body_of(api.by(alice).get("regions"))["items"]

    assert found == [
        {"name": "east", "accepts_databases": False, "is_default": False},
        {"name": "west", "accepts_databases": True, "is_default": True},
    ]


def test_that_no_region_is_an_empty_list(api: Api, alice: User) -> None:
    assert body_of(api.by(alice).get("regions"))["items"] == []


@pytest.mark.parametrize("path", ["engines", "engines/postgres/versions", "plans", "regions"])
def test_that_nobody_sees_it_without_credentials(api: Api, path: str) -> None:
    assert api.get(path).status_code == 401
