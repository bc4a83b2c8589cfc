"""Networks in CIDR notation, IPv4 and IPv6: which address lies in which. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class NotANetwork(ValueError):
    """The text is no network in CIDR notation."""


def normalized(text: str) -> str:
    """Return the one spelling of a network; a single address is a network of one.

    Raises: NotANetwork — also where bits behind the prefix are set, which most often is a slip of the prefix's length.
    """
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise NotANetwork(str(error)) from error


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Tell whether the address lies in one of the networks; text that is no address lies in none."""
    try:
        found = _plain(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    return any(found in ip_network(network) for network in networks)


def is_narrower(networks: Sequence[str], than: Sequence[str]) -> bool:
    """Tell whether every one of these networks lies in one of the others; no networks at all mean every address there is."""
    if not than:
        return True
    return bool(networks) and all(any(_is_part(inner, outer) for outer in than) for inner in networks)


def _is_part(inner: str, outer: str) -> bool:
    small, large = ip_network(inner), ip_network(outer)
    if isinstance(small, IPv4Network) and isinstance(large, IPv4Network):
        return small.subnet_of(large)
    return isinstance(small, IPv6Network) and isinstance(large, IPv6Network) and small.subnet_of(large)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 socket shows as ::ffff:192.0.2.1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
