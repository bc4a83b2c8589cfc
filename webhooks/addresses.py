"""Which addresses a message may go to. Customers choose the URL, so without this they could make us call what only we can reach. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NEVER: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # protocol assignments; `is_global` lets some of them pass
            "192.88.99.0/24",  # relays of 6to4
            "168.63.129.16/32",  # a cloud's own services answer there, to its machines only
            "64:ff9b::/96",  # NAT64: an IPv4 address in other clothes
            "64:ff9b:1::/48",
            "2001::/23",  # Teredo and other protocols' own
            "2002::/16",  # 6to4: an IPv4 address in other clothes
            "3fff::/20",  # documentation
            "fec0::/10",  # site-local
        ),
    )
)
"""Not public whatever `is_global` says. Sources: the IANA special-purpose address registries, RFC 6052, RFC 8215, RFC 3056."""


@dataclass(frozen=True, kw_only=True)
class AddressPolicy:
    """Which addresses an operator denies or allows besides what follows from the address itself."""

    denied: tuple[Network, ...] = ()
    """Such as the networks of pods and services."""
    allowed: tuple[Network, ...] = ()
    """Private networks in which tenants' systems are meant to be reached."""
    allows_loopback: bool = False
    """For laptops and tests: this machine, also without TLS."""

    def allows(self, address: Address) -> bool:
        """Tell whether a message may go to this address."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            return self.allows(address.ipv4_mapped)
        if _is_in(self.denied, address):
            return False
        if address.is_loopback:
            return self.allows_loopback
        if _is_nobodys(address):
            return False
        return _is_in(self.allowed, address) or is_public(address)


def is_public(address: Address) -> bool:
    """Tell whether the whole internet means the same machine by this address."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_reserved and not _is_in(_NEVER, address)


def _is_nobodys(address: Address) -> bool:
    """Link-local ones are where clouds keep their machines' credentials: no network that is allowed can contain them."""
    return address.is_multicast or address.is_unspecified or address.is_link_local


def _is_in(networks: Iterable[Network], address: Address) -> bool:
    return any(address in network for network in networks)
