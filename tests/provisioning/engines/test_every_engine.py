"""That every engine keeps the promises that the rest of the product counts on; a new engine is tested by being there."""

import copy
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from provisioning.cluster.kinds import ref_of
from provisioning.engine import Body, Choice, Engine, Mode, Topology, Version
from provisioning.engines import all_engines
from provisioning.sizes import DEFAULT_PLAN, PLANS
from tests.provisioning.engines.samples import PASSWORD, address, ordered
from tests.provisioning.golden.cases import NAMESPACE, manifests_of, spec_for

ENGINES = tuple(all_engines().values())
VERSIONS = [(engine, version) for engine in ENGINES for version in engine.versions]
LONGEST_DERIVED_NAME = 63
DERIVED_NAMES = {
    "": ("{}-auth", "{}-stats", "{}-pods", "{}-0123456789", "{}-metrics-exporter-cert"),
    "Postgres": ("{}-standby", "data-{}-arbiter-0"),
    "MySQL": ("{}-standby", "{}-router-8"),
    "MongoDB": ("{}-shard31-pods", "datadir-{}-shard31-6", "datadir-{}-configsvr-6", "{}-configsvr-0123456789"),
    "Redis": ("{}-standby", "data-{}-shard31-5"),
    "RedisSentinel": ("data-{}-2",),
    "Elasticsearch": ("{}-remote-monitoring-user-cred", "data-{}-ingest-19"),
}
"""The longest names that KubeDB makes of ours: Services, Secrets, claims, revisions. It cuts longer ones off without a word.

Source: kubedb/apimachinery apis/kubedb/v1/*_helpers.go.
"""
_RANGE = re.compile(r"(>=|<=|<|>) \d+(\.\d+)+(, (>=|<=|<|>) \d+(\.\d+)+)*")


def layouts() -> Iterator[Any]:
    """Give every engine with each of its modes, and each choice in that mode."""
    for engine in ENGINES:
        for mode in engine.modes:
            for asked in asked_in(mode):
                yield pytest.param(engine, asked, id="-".join([engine.name, *map(str, asked.values())]))


def asked_in(mode: Mode) -> Iterator[dict[str, str]]:
    """Give the mode with all defaults, then with one choice at a time."""
    yield {"mode": mode.name}
    for known in mode.fields:
        if isinstance(known, Choice):
            yield from ({"mode": mode.name, known.name: word} for word in known.allowed if word != known.default)


EVERY_ENGINE = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
EVERY_LAYOUT = pytest.mark.parametrize(("engine", "asked"), tuple(layouts()))
EVERY_VERSION = pytest.mark.parametrize(
    ("engine", "version"), VERSIONS, ids=[f"{engine.name}-{version.name}" for engine, version in VERSIONS]
)


def leaves(body: object) -> Iterator[object]:
    """Give everything in a manifest that holds nothing itself."""
    if isinstance(body, (dict, list)):
        for part in body.values() if isinstance(body, dict) else body:
            yield from leaves(part)
    else:
        yield body


def claims(body: object) -> Iterator[Body]:
    """Give every PersistentVolumeClaimSpec in a manifest."""
    if isinstance(body, dict):
        yield from ([body] if "accessModes" in body else [])
    parts = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    for part in parts:
        yield from claims(part)


def test_that_the_engines_are_found_in_order_of_their_names() -> None:
    assert list(all_engines()) == ["elasticsearch", "mongodb", "mysql", "postgres", "redis"]


def test_that_no_two_engines_share_a_name_or_a_kind() -> None:
    assert len({engine.short_name for engine in ENGINES}) == len(ENGINES)
    assert len({engine.kind for engine in ENGINES}) == len(ENGINES)


@EVERY_ENGINE
def test_that_the_default_version_can_be_ordered_for_long(engine: Engine) -> None:
    version = engine.version(engine.default_version)

    assert version is not None
    assert (version.deprecated, version.end_of_life) == (False, False)


@EVERY_ENGINE
def test_that_names_of_versions_are_unique(engine: Engine) -> None:
    names = [version.name for version in engine.versions]

    assert len(set(names)) == len(names)


@EVERY_ENGINE
def test_that_the_versions_of_a_distribution_come_newest_first(engine: Engine) -> None:
    for distribution in {version.distribution for version in engine.versions}:
        numbers = [numbered(version) for version in engine.versions if version.distribution == distribution]

        assert numbers == sorted(numbers, reverse=True)


def numbered(version: Version) -> list[int]:
    return [int(part) for part in version.number.split(".")]


@EVERY_VERSION
def test_that_the_upgrade_range_can_be_read(engine: Engine, version: Version) -> None:
    del engine

    assert version.upgrades_to == "" or _RANGE.fullmatch(version.upgrades_to)


@EVERY_VERSION
def test_that_the_default_plan_is_enough_for_every_version(engine: Engine, version: Version) -> None:
    assert version.deprecated or engine.minimum_memory_mib(version) <= PLANS[DEFAULT_PLAN].memory_mib


@EVERY_VERSION
def test_that_a_version_lacks_only_what_the_engine_has(engine: Engine, version: Version) -> None:
    words = {mode.name for mode in engine.modes}
    for mode in engine.modes:
        words |= {word for known in mode.fields if isinstance(known, Choice) for word in known.allowed}

    assert version.modes_without <= words


@EVERY_VERSION
def test_that_every_version_can_be_ordered_standalone(engine: Engine, version: Version) -> None:
    order = ordered(engine, {"mode": "standalone"}, version=version.name)

    assert order.version is version


@EVERY_ENGINE
def test_that_standalone_needs_no_answers_and_descriptions_are_sentences(engine: Engine) -> None:
    standalone = engine.mode("standalone")

    assert standalone is not None
    assert standalone.fields == ()
    for mode in engine.modes:
        assert mode.name in ("standalone", "replicated", "sharded")
        assert all(described.description.endswith(".") for described in (mode, *mode.fields))


@EVERY_LAYOUT
def test_that_defaults_make_a_valid_order_with_a_footprint(engine: Engine, asked: Topology) -> None:
    order = ordered(engine, asked)

    footprint = order.footprint
    assert footprint.cpu_millicores >= order.resources.cpu_millicores
    assert footprint.memory_mib >= order.resources.memory_mib
    assert footprint.storage_gib >= order.resources.storage_gib


@EVERY_LAYOUT
def test_that_every_group_of_nodes_counts(engine: Engine, asked: Topology) -> None:
    order = ordered(engine, asked)

    groups = engine.node_groups(order.topology, order.resources)

    assert all(group.count >= 1 and group.each.cpu_millicores > 0 and group.each.memory_mib > 0 for group in groups)
    assert len({group.role for group in groups}) == len(groups)


@EVERY_LAYOUT
def test_that_disks_in_the_manifests_are_the_disks_that_quota_counts(engine: Engine, asked: Topology) -> None:
    order = ordered(engine, asked, storage_gib=77)
    groups = engine.node_groups(order.topology, order.resources)

    bodies = manifests_of(engine, spec_for(order))

    asked_for = {claim["resources"]["requests"]["storage"] for body in bodies for claim in claims(body)}
    counted = {f"{group.each.storage_gib}Gi" for group in groups if group.role != "arbiter" and group.each.storage_gib}
    assert "77Gi" in asked_for
    assert asked_for == counted


@EVERY_LAYOUT
def test_that_manifests_are_pure(engine: Engine, asked: Topology) -> None:
    spec = spec_for(ordered(engine, asked), external_service_type="LoadBalancer", allowed_cidrs=("203.0.113.0/24",))
    before = copy.deepcopy(spec)
    first = manifests_of(engine, spec)
    kept = copy.deepcopy(first)

    first[-1]["metadata"]["labels"]["x"] = "y"
    first[-1]["spec"].clear()

    assert manifests_of(engine, spec) == kept
    assert spec == before


@EVERY_LAYOUT
def test_that_every_manifest_carries_what_the_spec_says(engine: Engine, asked: Topology) -> None:
    spec = spec_for(ordered(engine, asked), storage_class="fast", deletion_policy="WipeOut")

    for body in manifests_of(engine, spec):
        assert body["metadata"]["labels"] == spec.labels
        assert body["metadata"]["annotations"] == spec.annotations
        assert body["metadata"]["namespace"] == spec.namespace
        assert body["spec"]["deletionPolicy"] == "WipeOut"
        assert body["spec"]["version"] == spec.version.name
        assert {claim["storageClassName"] for claim in claims(body)} == {"fast"}
        assert "serviceTemplates" not in body["spec"]


@EVERY_LAYOUT
def test_that_without_a_storage_class_the_clusters_own_is_used(engine: Engine, asked: Topology) -> None:
    for body in manifests_of(engine, spec_for(ordered(engine, asked))):
        assert all("storageClassName" not in claim for claim in claims(body))


@EVERY_LAYOUT
def test_that_only_the_primary_service_opens_outwards_and_filters(engine: Engine, asked: Topology) -> None:
    spec = spec_for(ordered(engine, asked), external_service_type="LoadBalancer", allowed_cidrs=("203.0.113.0/24",))

    *companions, database = manifests_of(engine, spec)

    service = {
        "type": "LoadBalancer",
        "loadBalancerSourceRanges": ["203.0.113.0/24"],
        "externalTrafficPolicy": "Local",
    }
    assert database["spec"]["serviceTemplates"] == [{"alias": "primary", "spec": service}]
    assert all("serviceTemplates" not in body["spec"] for body in companions)


@EVERY_LAYOUT
def test_that_the_database_comes_last_under_its_own_name(engine: Engine, asked: Topology) -> None:
    spec = spec_for(ordered(engine, asked))

    bodies = manifests_of(engine, spec)

    assert (bodies[-1]["kind"], bodies[-1]["metadata"]["name"]) == (engine.kind, spec.object_name)
    refs = [ref_of(body) for body in bodies]
    assert len(set(refs)) == len(refs)
    assert all(ref.name.startswith(spec.object_name) for ref in refs)


@EVERY_LAYOUT
def test_that_derived_names_fit_into_a_label(engine: Engine, asked: Topology) -> None:
    for body in manifests_of(engine, spec_for(ordered(engine, asked))):
        endings = (*DERIVED_NAMES[""], *DERIVED_NAMES[body["kind"]])

        longest = max((ending.format(body["metadata"]["name"]) for ending in endings), key=len)

        assert len(longest) <= LONGEST_DERIVED_NAME, longest


@EVERY_LAYOUT
@pytest.mark.parametrize("is_external", [False, True], ids=["inside", "outside"])
def test_that_the_uri_can_be_parsed_and_gives_the_credentials_back(
    engine: Engine, asked: Topology, is_external: bool
) -> None:
    topology = ordered(engine, asked).topology
    where = {"host": "203.0.113.7", "port": 31234} if is_external else {}

    parts = urlsplit(engine.uri(address(engine, topology, is_external=is_external, **where)))

    assert parts.scheme
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == ("root", PASSWORD)
    location = parts.netloc.rpartition("@")[2]
    assert location == "203.0.113.7:31234" if is_external else NAMESPACE in location


@EVERY_LAYOUT
def test_that_an_ipv6_address_is_put_into_brackets(engine: Engine, asked: Topology) -> None:
    topology = ordered(engine, asked).topology

    parts = urlsplit(engine.uri(address(engine, topology, is_external=True, host="2001:db8::7", port=31234)))

    assert (parts.hostname, parts.port) == ("2001:db8::7", 31234)


@EVERY_LAYOUT
def test_that_no_manifest_holds_a_null(engine: Engine, asked: Topology) -> None:
    """The API server drops nulls, so that what is stored would not be what was written."""
    bodies = manifests_of(engine, spec_for(ordered(engine, asked)))

    assert None not in list(leaves(bodies))
