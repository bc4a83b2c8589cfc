"""That a message goes to public addresses only, however a private one is dressed up."""

from ipaddress import ip_address, ip_network

import pytest

from webhooks.addresses import AddressPolicy

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 -- an address to refuse
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.1.2.3",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::8.8.8.8",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_that_public_addresses_are_allowed(text: str) -> None:
    assert AddressPolicy().allows(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_that_others_are_not(text: str) -> None:
    assert not AddressPolicy().allows(ip_address(text))


def test_that_a_mapped_public_address_is_what_it_maps_to() -> None:
    assert AddressPolicy().allows(ip_address("::ffff:8.8.8.8"))


@pytest.mark.parametrize("text", ["8.8.8.8", "::ffff:8.8.8.8", "2606:4700:4700::1111"])
def test_that_a_denied_network_is_denied_in_every_dress(text: str) -> None:
    denied = AddressPolicy(denied=(ip_network("8.8.8.0/24"), ip_network("2606:4700::/32")))

    assert not denied.allows(ip_address(text))


def test_that_a_private_network_can_be_allowed() -> None:
    allowing = AddressPolicy(allowed=(ip_network("10.20.0.0/16"),))

    assert allowing.allows(ip_address("10.20.1.1"))
    assert not allowing.allows(ip_address("10.21.1.1"))


def test_that_what_is_denied_cannot_be_allowed() -> None:
    both = AddressPolicy(allowed=(ip_network("10.0.0.0/8"),), denied=(ip_network("10.96.0.0/12"),))

    assert both.allows(ip_address("10.20.1.1"))
    assert not both.allows(ip_address("10.96.0.1"))


@pytest.mark.parametrize("text", ["127.0.0.1", "169.254.169.254", "224.0.0.1", "::1", "fe80::1"])
def test_that_a_wide_allowance_opens_neither_this_machine_nor_link_local_ones(text: str) -> None:
    wide = AddressPolicy(allowed=(ip_network("0.0.0.0/0"), ip_network("::/0")))

    assert not wide.allows(ip_address(text))


@pytest.mark.parametrize(("text", "expected"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False)])
def test_that_loopback_is_allowed_only_by_name(text: str, expected: bool) -> None:
    assert AddressPolicy(allows_loopback=True).allows(ip_address(text)) is expected
