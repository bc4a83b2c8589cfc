"""That identifiers are UUIDs of version 7, that their order is the order of creation, and that their short names fit Kubernetes."""

import re
import time
from uuid import RFC_4122, UUID

from dbaas.core.ids import short_name, uuid7


def test_that_it_has_the_shape_of_version_7() -> None:
    before = time.time_ns() // 1_000_000

    found = uuid7()

    assert (found.version, found.variant) == (7, RFC_4122)
    assert before <= found.int >> 80 <= time.time_ns() // 1_000_000


def test_that_later_is_greater_even_within_a_millisecond() -> None:
    found = []
    for _ in range(2000):
        found.append(uuid7())
        began = time.time_ns()
        while time.time_ns() - began < 500:  # the fraction counts in steps of 244 ns
            pass

    assert found == sorted(found)
    assert len({identifier.int >> 80 for identifier in found}) < len(found), (
        "no two in one millisecond: nothing was shown"
    )


def test_that_no_two_are_equal() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000


def test_that_a_short_name_is_a_label_of_26_characters_and_unique() -> None:
    names = [short_name(UUID(int=number)) for number in (0, 1, 2**128 - 1, 2**64)]

    assert all(re.fullmatch(r"[a-z2-7]{26}", name) for name in names)
    assert len(set(names)) == 4


def test_that_short_names_of_one_id_are_the_same() -> None:
    assert short_name(UUID("0193a1b2-0000-7000-8000-0000000000ff")) == "agj2dmqaabyabaaaaaaaaaaa74"
