import pytest

from accounts.networks import NotANetwork, is_narrower, is_within, normalized


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        (" 192.0.2.7 ", "192.0.2.7/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_network_has_one_spelling(text: str, spelling: str) -> None:
    assert normalized(text) == spelling


@pytest.mark.parametrize(
    "text", ["", "192.0.2.1/24", "192.0.2.0/33", "0x7f.1", "2130706433/8", "example.com", "::/129"]
)
def test_anything_else_is_no_network(text: str) -> None:
    with pytest.raises(NotANetwork):
        normalized(text)


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("::ffff:192.0.2.1", True),
        ("::ffff:192.0.3.1", False),
        ("2001:db8::1", True),
        ("2001:db8::1%eth0", True),
        ("2001:db9::1", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_an_address_is_within_a_network_or_not(address: str, is_in: bool) -> None:
    assert is_within(address, ["192.0.2.0/24", "2001:db8::/32"]) is is_in


@pytest.mark.parametrize(
    ("networks", "than", "narrower"),
    [
        ([], [], True),
        (["192.0.2.0/24"], [], True),
        ([], ["192.0.2.0/24"], False),
        (["192.0.2.0/25"], ["192.0.2.0/24"], True),
        (["192.0.2.0/23"], ["192.0.2.0/24"], False),
        (["2001:db8:1::/48"], ["2001:db8::/32"], True),
        (["2001:db8:1::/48", "2001:db9::/48"], ["2001:db8::/32"], False),
        (["192.0.2.0/25"], ["2001:db8::/32", "192.0.2.0/24"], True),
        (["2001:db8::/48"], ["0.0.0.0/0"], False),
    ],
)
def test_networks_are_narrower_than_others_or_not(networks: list[str], than: list[str], narrower: bool) -> None:
    assert is_narrower(networks, than) is narrower
