"""That we offer KubeDB's versions as its catalogue has them: a typing error here would be an order that never gets ready.

The catalogue is the pocket cluster's, which lists what KubeDB's chart installs.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.engine import Version
from provisioning.engines import all_engines

CATALOGUE: dict[str, dict[str, list[Any]]] = yaml.safe_load(
    (Path(__file__).parents[2] / "devcluster/operator/catalogue.yaml").read_text()
)
NOT_OFFERED = {
    "mysql": {"5.7.42-debian", "5.7.44"},  # KubeDB refuses names as long as ours with them
    "redis": {"4.0.11", "5.0.14"},  # they have no users, and KubeDB runs the older one without a password
}
EVERY_ENGINE = pytest.mark.parametrize("engine", all_engines())
VERSIONS = [
    pytest.param(engine.kind, version, id=f"{engine.name}-{version.name}")
    for engine in all_engines().values()
    for version in engine.versions
]


@EVERY_ENGINE
def test_that_all_are_offered_except_those_that_cannot_work(engine: str) -> None:
    offered = {version.name for version in all_engines()[engine].versions}

    assert set(CATALOGUE[all_engines()[engine].kind]) - offered == NOT_OFFERED.get(engine, set())


@pytest.mark.parametrize(("kind", "version"), VERSIONS)
def test_that_number_distribution_and_end_of_life_are_the_catalogues(kind: str, version: Version) -> None:
    number, distribution, end_of_life, *_ = CATALOGUE[kind][version.name]

    assert (version.number, version.distribution, version.end_of_life) == (number, distribution, end_of_life)


@pytest.mark.parametrize(("kind", "version"), VERSIONS)
def test_that_targets_of_upgrades_are_the_catalogues(kind: str, version: Version) -> None:
    targets = CATALOGUE[kind][version.name][3]

    assert version.upgrades_to == ("" if targets == version.number else targets)


@pytest.mark.parametrize("version", all_engines()["mysql"].versions, ids=lambda version: version.name)
def test_that_an_innodb_cluster_is_offered_where_there_is_a_router(version: Version) -> None:
    has_router = "router" in CATALOGUE["MySQL"][version.name]

    assert has_router is ("innodb" not in version.modes_without)
