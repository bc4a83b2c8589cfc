"""That names, labels and networks of an order are taken where Kubernetes takes them, and named where it would not."""

import pytest

from provisioning.orders import MAX_CIDRS, MAX_LABELS, label_problems
from tests.provisioning.wishes import order, problem, problems


class TestNames:
    @pytest.mark.parametrize("name", ["a", "orders", "a1", "a-b-c", "x" * 40])
    def test_that_labels_of_dns_are_taken(self, name: str) -> None:
        assert order(name=name).name == name

    @pytest.mark.parametrize("name", ["", "x" * 41, "1a", "-a", "a-", "A", "a_b", "a.b", "a b", "ä", "a\n", "٣a", "a٣"])
    def test_that_others_are_told_the_rule(self, name: str) -> None:
        found = problem(name=name)

        assert (found.field, found.code) == ("name", "invalid_name")
        assert "1 to 40 lower-case letters" in found.message


class TestLabels:
    def test_that_the_most_and_the_longest_are_taken(self) -> None:
        labels = {f"l{number:02}" + "x" * 60: "v" * 63 for number in range(MAX_LABELS)}

        assert label_problems(labels) == []
        assert order(labels=labels).labels == labels

    def test_that_one_more_is_too_many(self) -> None:
        found = problem(labels={f"l{number}": "" for number in range(MAX_LABELS + 1)})

        assert (found.field, found.code) == ("labels", "too_many")

    @pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "x" * 64, "a/b", "a\n", "ä"])
    def test_that_a_name_kubernetes_would_refuse_is_refused(self, name: str) -> None:
        found = problem(labels={name: "v"})

        assert (found.field, found.code) == (f"labels.{name}"[:80], "invalid_label")

    @pytest.mark.parametrize("value", ["-a", "a.", "a b", "x" * 64, "a/b", "v\n"])
    def test_that_a_value_kubernetes_would_refuse_is_refused(self, value: str) -> None:
        assert problem(labels={"team": value}).field == "labels.team"

    def test_that_every_wrong_label_is_named(self) -> None:
        found = problems(labels={"a b": "v", "good": "v", "c": "d e"})

        assert [one.field for one in found] == ["labels.a b", "labels.c"]


class TestAllowedNetworks:
    def test_that_networks_are_kept_in_their_usual_spelling(self) -> None:
        made = order(access_mode="external", allowed_cidrs=("203.0.113.0/24", "2001:DB8::/32", "198.51.100.7"))

        assert made.allowed_cidrs == ("203.0.113.0/24", "2001:db8::/32", "198.51.100.7/32")

    @pytest.mark.parametrize(
        "text", ["", "everywhere", "203.0.113.7/24", "203.0.113.0/33", "203.0.113", "2001:db8::/129"]
    )
    def test_that_what_is_no_network_is_named_by_its_place(self, text: str) -> None:
        found = problem(access_mode="external", allowed_cidrs=("203.0.113.0/24", text))

        assert (found.field, found.code) == ("access.allowed_cidrs.1", "invalid_cidr")
        assert "without host bits" in found.message

    def test_that_the_most_are_taken_and_one_more_is_too_many(self) -> None:
        most = tuple(f"198.51.100.{number}/32" for number in range(MAX_CIDRS))

        assert order(access_mode="external", allowed_cidrs=most).allowed_cidrs == most
        found = problem(access_mode="external", allowed_cidrs=(*most, "203.0.113.0/24"))
        assert (found.field, found.code) == ("access.allowed_cidrs", "too_many")

    @pytest.mark.parametrize(("region", "access_mode"), [("here", None), ("here", "internal"), ("there", "internal")])
    def test_that_they_are_refused_where_nothing_comes_from_outside(self, region: str, access_mode: str | None) -> None:
        found = problem(region=region, access_mode=access_mode, allowed_cidrs=("203.0.113.0/24",))

        assert (found.field, found.code) == ("access.allowed_cidrs", "cannot_filter")
        assert "external access only" in found.message

    @pytest.mark.parametrize("access_mode", [None, "external"])
    def test_that_they_are_refused_where_nothing_would_filter(self, access_mode: str | None) -> None:
        found = problem(region="there", access_mode=access_mode, allowed_cidrs=("203.0.113.0/24",))

        assert (found.field, found.code) == ("access.allowed_cidrs", "cannot_filter")
        assert "cannot be kept to in there" in found.message
