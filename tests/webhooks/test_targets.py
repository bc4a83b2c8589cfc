"""That a URL is read strictly, and that all addresses behind its name are checked, looked up once."""

from ipaddress import ip_network

import pytest

from webhooks.addresses import AddressPolicy
from webhooks.targets import (
    NotPublic,
    NotResolved,
    UrlRefused,
    checked_addresses,
    host_of,
    parse,
    resolve_within,
)

POLICY = AddressPolicy()
LAPTOP = AddressPolicy(allows_loopback=True)


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("https://Example.COM./a/b?c=d", "example.com", 443, "/a/b?c=d", "example.com"),
        ("https://example.com:8443/%41%2f", "example.com", 8443, "/%41%2f", "example.com:8443"),
        ("https://example.com/ü?q=ä", "example.com", 443, "/%C3%BC?q=%C3%A4", "example.com"),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700:4700::1111]:1024/", "2606:4700:4700::1111", 1024, "/", "[2606:4700:4700::1111]:1024"),
        ("https://my_host.example/", "my_host.example", 443, "/", "my_host.example"),
    ],
)
def test_that_a_url_is_taken_apart(url: str, host: str, port: int, path: str, authority: str) -> None:
    found = parse(url, POLICY)

    assert (found.host, found.port, found.path, found.authority) == (host, port, path, authority)
    assert found.is_tls


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "http://example.com/",
        "http://127.0.0.1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://",
        "https:///path",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://example.com:22/",
        "https://example.com:80/",
        "https://example.com:0/",
        "https://bob@example.com/",
        "https://bob:secret@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com\\@127.0.0.1/",
        "https://:@example.com/",
        "https://example.com/#part",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com/a\r\nX-Injected: 1",
        "https://example.com/\t",
        "https://exam\nple.com/",
        "https://example..com/",
        "https://-example.com/",
        "https://example-.com/",
        "https://exam%70le.com/",
        "https://[example.com]/",
        "https://[::1/",
        "https://" + "a" * 64 + ".com/",
        "https://" + "a." * 130 + "com/",
        "https://\u2488.example\u2044/",
        # this machine and private networks, in every spelling that some program understands
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.0x1/",
        "https://0/",
        "https://0x/",
        "https://10.0.0.1/",
        "https://10.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://127\u30020\u30020\u30021/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[64:ff9b:1::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[v1.fe80::a]/",
    ],
)
def test_that_anything_doubtful_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        parse(url, POLICY)

    assert [error.field for error in caught.value.errors] == ["url"]


def test_that_a_laptop_may_call_itself_without_tls() -> None:
    found = parse("http://127.0.0.1:8080/in", LAPTOP)

    assert (found.is_tls, found.port, found.authority) == (False, 8080, "127.0.0.1:8080")
    assert parse("http://localhost/", LAPTOP).port == 80
    assert parse("http://localhost/", LAPTOP).authority == "localhost"


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://127.0.0.1:22/", "http://127.0.0.1:443/"])
def test_that_a_laptop_may_call_nobody_else(url: str) -> None:
    with pytest.raises(UrlRefused):
        parse(url, LAPTOP)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["10.0.0.1", "8.8.8.8"],
        ["2606:4700:4700::1111", "::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["2002:a00:1::"],
        ["fe80::1%eth0"],
        ["not an address"],
    ],
)
def test_that_one_address_that_is_not_public_spoils_them_all(addresses: list[str]) -> None:
    with pytest.raises(NotPublic) as caught:
        checked_addresses(parse("https://example.com/", POLICY), POLICY, lambda _host, _port: addresses)

    assert not any(address in str(caught.value) for address in addresses), "it tells what our network looks like"


def test_that_a_name_without_address_is_told() -> None:
    with pytest.raises(NotResolved):
        checked_addresses(parse("https://example.com/", POLICY), POLICY, lambda _host, _port: [])


def test_that_a_network_of_ours_may_be_allowed() -> None:
    policy = AddressPolicy(allowed=(ip_network("10.0.0.0/8"),))

    found = checked_addresses(parse("https://example.com/", policy), policy, lambda _host, _port: ["10.0.0.1"])

    assert found == ["10.0.0.1"]


def test_that_the_system_s_resolver_is_asked() -> None:
    assert "127.0.0.1" in resolve_within(5)("localhost", 443)


@pytest.mark.parametrize("host", ["does-not-exist.invalid", "a" * 70 + ".example"])
def test_that_a_name_that_leads_nowhere_is_told(host: str) -> None:
    with pytest.raises(NotResolved):
        resolve_within(5)(host, 443)


def test_that_a_resolver_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Event

    never = Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_kwargs: never.wait(5) and [])

    with pytest.raises(NotResolved, match="in time"):
        resolve_within(0.05)("example.com", 443)

    never.set()


def test_that_records_name_the_host_alone() -> None:
    assert host_of("https://hooks.example.com/services/secret-in-the-path?token=x") == "hooks.example.com"
    assert host_of("nothing") == ""
