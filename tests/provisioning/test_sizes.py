"""That amounts add up and plans grow."""

import itertools

from provisioning.sizes import DEFAULT_PLAN, MAX_STORAGE_GIB, MIN_STORAGE_GIB, NOTHING, PLANS, Resources

NODE = Resources(cpu_millicores=500, memory_mib=1024, storage_gib=3)


def test_that_several_nodes_take_several_times_as_much() -> None:
    assert NODE.times(3) == Resources(cpu_millicores=1500, memory_mib=3072, storage_gib=9)
    assert NODE.times(0) == NOTHING


def test_that_two_take_what_both_take() -> None:
    other = Resources(cpu_millicores=1, memory_mib=2, storage_gib=4)

    assert NODE.plus(other) == Resources(cpu_millicores=501, memory_mib=1026, storage_gib=7)
    assert NODE.plus(NOTHING) == NODE


def test_that_plans_are_found_by_their_own_names() -> None:
    assert all(plan.name == name for name, plan in PLANS.items())
    assert DEFAULT_PLAN in PLANS


def test_that_each_plan_is_larger_than_the_one_before() -> None:
    sizes = [(plan.cpu_millicores, plan.memory_mib, plan.storage_gib) for plan in PLANS.values()]

    assert all(
        larger > smaller
        for former, latter in itertools.pairwise(sizes)
        for smaller, larger in zip(former, latter, strict=True)
    )


def test_that_the_storage_of_every_plan_can_be_asked_for() -> None:
    assert all(MIN_STORAGE_GIB <= plan.storage_gib <= MAX_STORAGE_GIB for plan in PLANS.values())
