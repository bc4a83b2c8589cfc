"""Which addresses count as one caller. Pure."""

from ipaddress import IPv6Address, ip_address, ip_network

ONE_CUSTOMER_BITS = 64
"""Of an IPv6 address; the rest a single customer chooses freely. Source: RFC 6177 section 2."""
_WHOLE_IPV4 = 32


def network_of(address: str, *, ipv4_bits: int = _WHOLE_IPV4) -> str:
    """Return the network that an address stands for: of IPv6 always a customer's, of IPv4 one of so many bits; `unknown` for other text."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped  # as a socket that takes both kinds shows an IPv4 address
    bits = ONE_CUSTOMER_BITS if isinstance(found, IPv6Address) else ipv4_bits
    return str(ip_network((str(found), bits), strict=False))
