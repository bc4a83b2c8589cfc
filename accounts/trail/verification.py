"""Find out whether audit events were changed, removed or put in: go along each chain and compute every digest anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accounts.models import AuditChain, AuditEvent
from accounts.trail.chain import chain_of, digest_of

_CHUNK = 1000
"""Events in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of a chain at some moment; kept outside of the database it proves later that nothing up to it was touched."""

    position: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that an untouched chain would not show."""

    chain: str
    position: int
    what: str

    def __str__(self) -> str:
        return f"chain {self.chain}, position {self.position}: {self.what}"


def heads() -> dict[str, Head]:
    """Return every chain's end as it is now."""
    chains = AuditChain.objects.order_by("name")
    return {chain.name: Head(position=chain.head_position, digest=chain.head_digest) for chain in chains}


def verify_all(expected: Mapping[str, Head]) -> Iterator[Fault]:
    """Yield what is wrong anywhere; `expected` are heads from earlier, by chain."""
    names = set(AuditChain.objects.values_list("name", flat=True))
    in_use = AuditEvent.objects.exclude(position=None).order_by("chain").values_list("chain", flat=True).distinct()
    for name in sorted(names | set(in_use) | set(expected)):
        yield from verify(name, expected.get(name))


def verify(name: str, expected: Head | None = None) -> Iterator[Fault]:
    """Yield what is wrong in one chain."""
    chain = AuditChain.objects.filter(name=name).first()
    if chain is None:
        yield Fault(chain=name, position=0, what="the record of where the chain begins and ends is missing")
        return
    found = list(_along(chain, expected))
    if expected is not None and expected.position > chain.head_position:
        what = f"the chain ends here, but reached position {expected.position} before"
        found.append(Fault(chain=name, position=chain.head_position, what=what))
    removed_meanwhile = range(chain.removed_position + 1, AuditChain.objects.get(name=name).removed_position + 1)
    yield from (fault for fault in found if fault.position not in removed_meanwhile)


def _along(chain: AuditChain, expected: Head | None) -> Iterator[Fault]:
    position, digest = chain.removed_position, chain.removed_digest
    yield from _against(expected, chain.name, position, digest)
    behind = AuditEvent.objects.filter(chain=chain.name, position__lte=chain.head_position).order_by("position")
    for event in behind.iterator(chunk_size=_CHUNK):
        place = event.position or 0
        if place <= chain.removed_position:
            yield Fault(chain=chain.name, position=place, what=f"event {event.id} stands where retention removed all")
            continue
        yield from _gap(chain.name, position + 1, place)
        follows = place == position + 1
        if chain_of(event) != chain.name or (
            follows and event.digest != digest_of(event, position=place, after=digest)
        ):
            yield Fault(chain=chain.name, position=place, what=f"event {event.id} ({event.action}) was changed")
        position, digest = place, event.digest
        yield from _against(expected, chain.name, position, digest)
    yield from _gap(chain.name, position + 1, chain.head_position + 1)
    if position == chain.head_position and digest != chain.head_digest:
        yield Fault(chain=chain.name, position=position, what="the last event is not the one that the chain ended with")


def _gap(name: str, due: int, found: int) -> Iterator[Fault]:
    if found > due:
        missing = "the event is missing" if found == due + 1 else f"the events up to {found - 1} are missing"
        yield Fault(chain=name, position=due, what=missing)


def _against(expected: Head | None, name: str, position: int, digest: str) -> Iterator[Fault]:
    if expected is not None and expected.position == position and expected.digest != digest:
        yield Fault(chain=name, position=position, what="the chain up to here is not the one that was expected")
