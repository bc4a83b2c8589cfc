"""Plans and what they give: pure numbers with their units in their names."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one node of a database gets: thousandths of a core, mebibytes, gibibytes."""

    cpu_millicores: int
    memory_mib: int
    storage_gib: int

    def times(self, count: int) -> "Resources":
        """Return what `count` such nodes take together."""
        return Resources(
            cpu_millicores=self.cpu_millicores * count,
            memory_mib=self.memory_mib * count,
            storage_gib=self.storage_gib * count,
        )

    def plus(self, other: "Resources") -> "Resources":
        """Return both together."""
        return Resources(
            cpu_millicores=self.cpu_millicores + other.cpu_millicores,
            memory_mib=self.memory_mib + other.memory_mib,
            storage_gib=self.storage_gib + other.storage_gib,
        )


NOTHING = Resources(cpu_millicores=0, memory_mib=0, storage_gib=0)
EXPORTER = Resources(cpu_millicores=100, memory_mib=128, storage_gib=0)
"""The sidecar `exporter` of every monitored pod. Ours, and set in the manifest, so that quota knows what is added."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A size that a customer can name; storage is the default and may be raised in the request."""

    name: str
    title: str
    cpu_millicores: int
    memory_mib: int
    storage_gib: int


PLANS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(name="micro", title="Micro: half a core, 512 MiB", cpu_millicores=500, memory_mib=512, storage_gib=5),
        Plan(name="small", title="Small: 1 core, 2 GiB", cpu_millicores=1000, memory_mib=2048, storage_gib=10),
        Plan(name="medium", title="Medium: 2 cores, 4 GiB", cpu_millicores=2000, memory_mib=4096, storage_gib=20),
        Plan(name="large", title="Large: 4 cores, 16 GiB", cpu_millicores=4000, memory_mib=16384, storage_gib=100),
        Plan(
            name="xlarge", title="Extra large: 8 cores, 32 GiB", cpu_millicores=8000, memory_mib=32768, storage_gib=200
        ),
    )
}
DEFAULT_PLAN = "small"
CUSTOM = "custom"
"""What stands for the plan of a database whose processor and memory are no plan's."""


def plan_of(size: Resources) -> str:
    """Return the name of the plan with this processor and memory, or `custom`."""
    amounts = (size.cpu_millicores, size.memory_mib)
    found = (plan.name for plan in PLANS.values() if (plan.cpu_millicores, plan.memory_mib) == amounts)
    return next(found, CUSTOM)


MIN_CPU_MILLICORES, MAX_CPU_MILLICORES = 100, 64_000
MIN_MEMORY_MIB, MAX_MEMORY_MIB = 256, 524_288
"""The largest common nodes have 64 cores and 512 GiB; a request for more is taken for a slip of the unit."""

GIB = 2**30
"""Bytes."""
MIN_STORAGE_GIB = 1
MAX_STORAGE_GIB = 16384
"""Above 16 TiB common volume types end (AWS EBS gp3, Azure premium); a request for more is taken for a slip of the unit."""
