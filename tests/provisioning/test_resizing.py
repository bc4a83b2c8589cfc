"""That a size that is asked for is completed from what the database has, and refused with every field that must change."""

from typing import Any

import pytest

from provisioning.engines import all_engines
from provisioning.models import Database
from provisioning.orders import InvalidOrder
from provisioning.resizing import Size, check_resize
from tests.provisioning.wishes import order


def database(engine: str = "postgres", **wish: Any) -> Database:
    """Return the row of such a database; it is not saved."""
    made = order(engine=engine, **wish)
    return Database(
        engine=engine,
        version=made.version.name,
        plan=made.plan.name,
        cpu_millicores=made.resources.cpu_millicores,
        memory_mib=made.resources.memory_mib,
        storage_gib=made.resources.storage_gib,
        topology=dict(made.topology),
    )


def resized(row: Database, **body: Any) -> Size:
    return check_resize(row, all_engines()[row.engine], body)


def refused(row: Database, **body: Any) -> list[tuple[str, str]]:
    """Return field and code of all that is wrong."""
    with pytest.raises(InvalidOrder) as caught:
        resized(row, **body)
    return [(error.field, error.code) for error in caught.value.errors]


REPLICATED = {"mode": "replicated", "replicas": 3}


def test_that_a_plan_changes_processor_and_memory_and_leaves_the_disk() -> None:
    size = resized(database(storage_gib=17), plan="medium")

    assert (size.resources.cpu_millicores, size.resources.memory_mib, size.resources.storage_gib) == (2000, 4096, 17)
    assert size.topology == {"mode": "standalone"}


@pytest.mark.parametrize(
    ("body", "cpu_millicores", "memory_mib"),
    [
        ({"cpu_millicores": 1500}, 1500, 2048),
        ({"memory_mib": 3000}, 1000, 3000),
        ({"cpu_millicores": 1500, "memory_mib": 3000}, 1500, 3000),
    ],
)
def test_that_amounts_can_be_given_one_by_one(body: dict[str, int], cpu_millicores: int, memory_mib: int) -> None:
    size = resized(database(), **body)

    assert (size.resources.cpu_millicores, size.resources.memory_mib) == (cpu_millicores, memory_mib)


def test_that_a_disk_grows() -> None:
    assert resized(database(storage_gib=10), storage_gib=11).resources.storage_gib == 11


def test_that_members_change_and_the_rest_of_the_layout_stays() -> None:
    row = database(topology={**REPLICATED, "streaming": "synchronous"})

    assert resized(row, topology={"replicas": 5}).topology == {
        "mode": "replicated",
        "replicas": 5,
        "streaming": "synchronous",
    }


def test_that_nodes_are_counted_by_role_and_those_left_out_stay() -> None:
    row = database("elasticsearch", topology={"mode": "sharded", "nodes": {"master": 3, "data": 2, "ingest": 1}})

    size = resized(row, topology={"nodes": {"data": 4}})

    assert size.topology["nodes"] == {"master": 3, "data": 4, "ingest": 1}


def test_that_the_mode_may_be_repeated() -> None:
    row = database(topology=REPLICATED)

    assert resized(row, topology={"mode": "replicated", "replicas": 5}).topology["replicas"] == 5


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("", "nothing_to_do")]),
        ({"plan": "small"}, [("", "nothing_to_do")]),
        ({"topology": {}}, [("", "nothing_to_do")]),
        ({"topology": {"replicas": 3}}, [("", "nothing_to_do")]),
        ({"plan": "huge"}, [("plan", "unknown_plan")]),
        ({"plan": "medium", "memory_mib": 512}, [("plan", "ambiguous")]),
        ({"plan": "medium", "cpu_millicores": 0}, [("plan", "ambiguous")]),
        ({"plan": "huge", "cpu_millicores": 500}, [("plan", "ambiguous"), ("plan", "unknown_plan")]),
        ({"cpu_millicores": 99}, [("cpu_millicores", "out_of_range")]),
        ({"cpu_millicores": 64001}, [("cpu_millicores", "out_of_range")]),
        ({"memory_mib": 524289}, [("memory_mib", "out_of_range")]),
        ({"cpu_millicores": 0}, [("cpu_millicores", "out_of_range")]),
        ({"storage_gib": 9}, [("storage_gib", "cannot_shrink")]),
        ({"storage_gib": 0}, [("storage_gib", "cannot_shrink")]),
        ({"storage_gib": 16385}, [("storage_gib", "out_of_range")]),
        ({"topology": {"mode": "standalone"}}, [("topology.mode", "cannot_change")]),
        ({"topology": {"streaming": "synchronous"}}, [("topology.streaming", "cannot_change")]),
        ({"topology": {"replicas": 1}}, [("topology.replicas", "out_of_range")]),
        ({"topology": {"replicas": "many"}}, [("topology.replicas", "cannot_change")]),
        ({"topology": {"shards": 3}}, [("topology.shards", "unknown_field")]),
        (
            {"plan": "huge", "storage_gib": 1, "topology": {"shards": 3}},
            [("plan", "unknown_plan"), ("storage_gib", "cannot_shrink"), ("topology.shards", "unknown_field")],
        ),
    ],
)
def test_that_what_cannot_be_is_named(body: dict[str, Any], wrong: list[tuple[str, str]]) -> None:
    assert refused(database(topology=REPLICATED), **body) == wrong


def test_that_too_little_memory_for_the_engine_is_refused() -> None:
    assert ("plan", "memory_too_small") in refused(database("elasticsearch"), memory_mib=256)


def test_that_a_change_of_members_that_kubedb_refuses_is_refused_first() -> None:
    row = database("redis", topology={"mode": "sharded", "shards": 4, "replicas": 3})

    assert refused(row, topology={"shards": 3, "replicas": 4})
