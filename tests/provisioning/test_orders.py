"""That an order is filled in where nothing was said, and that every mistake is named with what to do about it."""

import dataclasses

import pytest

from provisioning import engines
from provisioning.engine import Engine, Version
from provisioning.engines import all_engines
from provisioning.sizes import MAX_STORAGE_GIB, MIN_STORAGE_GIB
from tests.provisioning.wishes import HERE, THERE, order, problem, problems


class TestWhatIsFilledIn:
    def test_that_name_and_engine_are_enough(self) -> None:
        made = order()

        assert (made.engine.name, made.version.name, made.plan.name) == ("postgres", "17.5", "small")
        assert made.topology == {"mode": "standalone"}
        assert dataclasses.astuple(made.resources) == (1000, 2048, 10)
        assert (made.cluster, made.access_mode, made.allowed_cidrs) == (HERE, "internal", ())
        assert (made.labels, made.deletion_protection) == ({}, False)

    def test_that_what_was_said_is_kept(self) -> None:
        made = order(
            version="16.13",
            plan="medium",
            topology={"mode": "replicated", "replicas": 5, "streaming": "synchronous"},
            storage_gib=77,
            region="there",
            labels={"team": "shop", "empty": ""},
            deletion_protection=True,
            access_mode="internal",
        )

        assert (made.version.name, made.plan.name, made.cluster) == ("16.13", "medium", THERE)
        assert made.topology == {"mode": "replicated", "replicas": 5, "streaming": "synchronous"}
        assert dataclasses.astuple(made.resources) == (2000, 4096, 77)
        assert (made.labels, made.deletion_protection) == ({"team": "shop", "empty": ""}, True)
        assert made.access_mode == "internal"

    def test_that_fields_of_the_mode_are_filled_in(self) -> None:
        made = order(topology={"mode": "replicated"})

        assert made.topology == {"mode": "replicated", "replicas": 3, "streaming": "asynchronous"}

    def test_that_roles_that_were_not_said_are_filled_in(self) -> None:
        made = order(engine="elasticsearch", topology={"mode": "sharded", "nodes": {"data": 5}})

        assert made.topology["nodes"] == {"master": 3, "data": 5, "ingest": 2}

    def test_that_access_is_as_the_region_has_it(self) -> None:
        assert order(region="there").access_mode == "external"

    def test_that_the_footprint_is_of_all_nodes(self) -> None:
        made = order(topology={"mode": "replicated"}, storage_gib=7)

        assert made.footprint == made.engine.footprint(made.topology, made.resources)
        assert made.footprint.storage_gib == 21


class TestWhatIsUnknown:
    def test_that_an_unknown_engine_is_told_which_there_are(self) -> None:
        found = problem(engine="oracle")

        assert (found.field, found.code) == ("engine", "unknown_engine")
        assert "elasticsearch, mongodb, mysql, postgres, redis" in found.message

    def test_that_an_unknown_version_is_told_where_to_look(self) -> None:
        found = problem(version="1.0")

        assert (found.field, found.code) == ("version", "unknown_version")
        assert "/api/v1/engines/postgres/versions" in found.message
        assert "17.5" in found.message

    def test_that_another_engines_version_is_unknown(self) -> None:
        assert problem(engine="mysql", version="17.5").code == "unknown_version"

    def test_that_an_unknown_plan_is_told_which_there_are(self) -> None:
        found = problem(plan="huge")

        assert (found.field, found.code) == ("plan", "unknown_plan")
        assert "micro, small, medium, large, xlarge" in found.message

    def test_that_an_unknown_region_is_told_which_take_databases(self) -> None:
        found = problem(region="mars")

        assert (found.field, found.code) == ("region", "unknown_region")
        assert "here, there" in found.message

    def test_that_it_is_said_when_no_region_takes_databases(self) -> None:
        assert "none at present" in problem(clusters=()).message

    @pytest.mark.parametrize("mode", ["galactic", "", 7, None])
    def test_that_an_unknown_mode_is_told_which_there_are(self, mode: object) -> None:
        found = problem(topology={"mode": mode})

        assert (found.field, found.code) == ("topology.mode", "unknown_mode")
        assert found.message == "postgres has: standalone, replicated."

    def test_that_a_field_of_another_mode_is_told_what_this_one_has(self) -> None:
        found = problem(topology={"mode": "replicated", "shards": 3})

        assert (found.field, found.code) == ("topology.shards", "unknown_field")
        assert found.message == "not part of replicated; it has: replicas, streaming."

    def test_that_a_mode_without_choices_says_so(self) -> None:
        found = problem(topology={"replicas": 3})

        assert found.message == "not part of standalone; it has: nothing to choose."

    def test_that_an_endless_name_of_a_field_is_not_given_back_whole(self) -> None:
        assert len(problem(topology={"x" * 10_000: 3}).field) == 80

    def test_that_an_unknown_role_is_told_which_there_are(self) -> None:
        found = problem(engine="elasticsearch", topology={"mode": "sharded", "nodes": {"hot": 2}})

        assert (found.field, found.code) == ("topology.nodes.hot", "unknown_field")
        assert "master, data, ingest" in found.message

    def test_that_an_unknown_access_mode_is_told_which_there_are(self) -> None:
        found = problem(access_mode="public")

        assert (found.field, found.code) == ("access.mode", "invalid_choice")
        assert "internal, external" in found.message


class TestWhatIsOutOfRangeOrOfTheWrongType:
    @pytest.mark.parametrize("replicas", [-1, 0, 1, 10, 10**30])
    def test_that_a_number_out_of_range_is_told_the_range(self, replicas: int) -> None:
        found = problem(topology={"mode": "replicated", "replicas": replicas})

        assert (found.field, found.code) == ("topology.replicas", "out_of_range")
        assert found.message == "must be between 2 and 9."

    @pytest.mark.parametrize("replicas", [2, 9])
    def test_that_the_ends_of_the_range_are_in_it(self, replicas: int) -> None:
        assert order(topology={"mode": "replicated", "replicas": replicas}).topology["replicas"] == replicas

    @pytest.mark.parametrize("replicas", ["3", 3.0, True, None, [3], {"count": 3}])
    def test_that_a_number_must_be_a_whole_number(self, replicas: object) -> None:
        found = problem(topology={"mode": "replicated", "replicas": replicas})

        assert (found.field, found.code) == ("topology.replicas", "invalid_type")

    @pytest.mark.parametrize("word", ["sometimes", "", None, 3, ["synchronous"], {"a": "b"}])
    def test_that_a_choice_must_be_one_of_its_words(self, word: object) -> None:
        found = problem(topology={"mode": "replicated", "streaming": word})

        assert (found.field, found.code) == ("topology.streaming", "invalid_choice")
        assert found.message == "must be one of: asynchronous, synchronous."

    @pytest.mark.parametrize("nodes", [3, "master", None, ["master"]])
    def test_that_numbers_by_role_must_be_an_object(self, nodes: object) -> None:
        found = problem(engine="elasticsearch", topology={"mode": "sharded", "nodes": nodes})

        assert (found.field, found.code) == ("topology.nodes", "invalid_type")

    @pytest.mark.parametrize(("count", "code"), [("3", "invalid_type"), (0, "out_of_range"), (None, "invalid_type")])
    def test_that_each_role_needs_a_number_in_its_range(self, count: object, code: str) -> None:
        found = problem(engine="elasticsearch", topology={"mode": "sharded", "nodes": {"data": count}})

        assert (found.field, found.code) == ("topology.nodes.data", code)

    @pytest.mark.parametrize("storage_gib", [MIN_STORAGE_GIB - 1, -5, MAX_STORAGE_GIB + 1])
    def test_that_storage_out_of_range_is_told_the_range_and_the_unit(self, storage_gib: int) -> None:
        found = problem(storage_gib=storage_gib)

        assert (found.field, found.code) == ("storage_gib", "out_of_range")
        assert found.message == "must be between 1 and 16384 (GiB per node)."

    @pytest.mark.parametrize("storage_gib", [MIN_STORAGE_GIB, MAX_STORAGE_GIB])
    def test_that_the_ends_of_storage_are_in_range(self, storage_gib: int) -> None:
        assert order(storage_gib=storage_gib).resources.storage_gib == storage_gib


class TestWhatDoesNotFitTogether:
    def test_that_too_little_memory_is_told_which_plans_have_enough(self) -> None:
        found = problem(engine="mongodb", plan="micro")

        assert (found.field, found.code) == ("plan", "memory_too_small")
        assert (
            found.message == "MongoDB 8.0.17 needs 1536 MiB per node; plans that give it: small, medium, large, xlarge."
        )

    def test_that_a_number_without_its_choice_is_not_ignored(self) -> None:
        found = problem(engine="mysql", topology={"mode": "replicated", "routers": 2})

        assert (found.field, found.code) == ("topology.routers", "not_applicable")
        assert found.message == "means nothing without replication innodb: leave it out, or choose that."

    def test_that_a_number_beside_a_mistaken_choice_is_no_second_problem(self) -> None:
        found = problem(engine="mysql", topology={"mode": "replicated", "replication": "inodb", "routers": 2})

        assert found.field == "topology.replication"

    def test_that_a_number_with_its_choice_is_checked(self) -> None:
        found = problem(engine="mysql", topology={"mode": "replicated", "replication": "innodb", "routers": 0})

        assert (found.field, found.code) == ("topology.routers", "out_of_range")

    def test_that_the_engines_own_rule_is_asked(self) -> None:
        found = problem(engine="elasticsearch", topology={"mode": "sharded", "nodes": {"master": 2}})

        assert found.code == "split_vote"


class TestSeveralProblems:
    def test_that_all_are_reported_at_once(self) -> None:
        found = problems(
            name="Orders",
            version="1.0",
            plan="huge",
            topology={"mode": "replicated", "replicas": 99, "streaming": "maybe", "shards": 1},
            storage_gib=0,
            region="mars",
            labels={"a b": "c"},
            access_mode="public",
            allowed_cidrs=("nowhere",),
        )

        assert {one.field for one in found} == {
            "name",
            "version",
            "plan",
            "topology.replicas",
            "topology.streaming",
            "topology.shards",
            "storage_gib",
            "region",
            "labels.a b",
            "access.mode",
            "access.allowed_cidrs.0",
        }
        assert all(one.message.endswith(".") for one in found)

    def test_that_what_does_not_fit_together_is_reported_with_the_rest(self) -> None:
        found = problems(
            name="Orders", engine="elasticsearch", plan="micro", topology={"mode": "sharded", "nodes": {"master": 2}}
        )

        assert [one.code for one in found] == ["invalid_name", "split_vote", "memory_too_small"]

    def test_that_an_unknown_engine_does_not_hide_the_others(self) -> None:
        found = problems(engine="oracle", name="Orders", version="1.0", topology={"mode": "galactic"})

        assert [one.field for one in found] == ["engine", "name"]


class TestDeprecatedVersions:
    @pytest.fixture
    def ageing(self, monkeypatch: pytest.MonkeyPatch) -> Engine:
        """An engine that KubeDB has given up one version of, among the engines on offer."""
        engine = dataclasses.replace(
            all_engines()["postgres"],
            name="ageing",
            default_version="2.0",
            versions=(Version(name="2.0", number="2.0"), Version(name="1.0", number="1.0", deprecated=True)),
        )
        monkeypatch.setitem(engines.all_engines(), "ageing", engine)
        return engine

    def test_that_a_deprecated_version_is_refused_as_such(self, ageing: Engine) -> None:
        found = problem(engine=ageing.name, version="1.0")

        assert (found.field, found.code) == ("version", "deprecated")
        assert found.message.startswith("1.0 is deprecated and takes no new databases;")
        assert "the default is 2.0." in found.message

    def test_that_the_other_one_is_not(self, ageing: Engine) -> None:
        assert order(engine=ageing.name).version.name == "2.0"
