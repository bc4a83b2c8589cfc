"""That the words in which engines describe themselves mean what they say."""

import pytest

from provisioning.engine import Count, Version, unsupported
from provisioning.engines import all_engines

ROUTERS = Count(
    name="routers",
    default=1,
    minimum=1,
    maximum=9,
    description="Routers in front.",
    only_with=("replication", "innodb"),
)
OLD = Version(name="1.0", number="1.0", modes_without=frozenset({"innodb"}))
NEW = Version(name="2.0", number="2.0")
OTHER_BUILD = Version(name="other-2.0", number="2.0", distribution="Other")
RETIRED = Version(name="0.9", number="0.9", deprecated=True)
AGED = Version(name="0.8", number="0.8", end_of_life=True)


@pytest.mark.parametrize(("number", "major"), [("17.5", 17), ("8.0.17", 8), ("10", 10)])
def test_that_the_major_version_is_the_first_part(number: str, major: int) -> None:
    assert Version(name="any", number=number).major == major


@pytest.mark.parametrize(
    ("topology", "applies"),
    [
        ({"mode": "replicated", "replication": "innodb"}, True),
        ({"mode": "replicated", "replication": "group"}, False),
        ({"mode": "replicated"}, True),
    ],
)
def test_that_a_number_goes_with_its_choice(topology: dict[str, str], applies: bool) -> None:
    assert ROUTERS.applies_to(topology) is applies


def test_that_a_number_without_a_condition_always_applies() -> None:
    replicas = Count(name="replicas", default=3, minimum=2, maximum=9, description="Servers.")

    assert replicas.applies_to({"mode": "replicated"})


def test_that_a_version_is_found_by_name_deprecated_or_not() -> None:
    postgres = all_engines()["postgres"]

    assert postgres.version("17.5") is not None
    assert postgres.version("5.17") is None


def test_that_a_mode_is_found_by_name() -> None:
    postgres = all_engines()["postgres"]

    assert postgres.mode("replicated") is not None
    assert postgres.mode("sharded") is None


def test_that_what_a_version_cannot_do_names_others_of_its_build_that_can() -> None:
    topology = {"mode": "replicated", "replication": "innodb", "nodes": {"master": 3}, "replicas": 3}

    (found,) = unsupported(topology, OLD, (NEW, OLD, OTHER_BUILD, RETIRED, AGED))

    assert (found.field, found.code) == ("topology.replication", "unsupported_by_version")
    assert found.message == "1.0 cannot do innodb; versions that can: 2.0."


def test_that_it_is_said_when_no_version_can() -> None:
    (found,) = unsupported({"mode": "innodb"}, OLD, (OLD, OTHER_BUILD))

    assert found.message.endswith("versions that can: none.")


def test_that_a_version_that_can_is_not_spoken_of() -> None:
    assert unsupported({"mode": "replicated", "replication": "innodb"}, NEW, (NEW, OLD)) == []
