"""That a message reaches a real server over verified TLS, at the address that was checked, and that nothing it does costs more than its limit."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webhooks.servers import HOST, OK, Authority, answering, authority, server
from webhooks.addresses import AddressPolicy
from webhooks.reach import door
from webhooks.targets import NotResolved, Target, parse
from webhooks.transport import MAX_ANSWER_BYTES, SHOWN_CHARS, Answer, Door, Outcome, post

LAPTOP = AddressPolicy(allows_loopback=True)
BODY = b'{"type":"webhook.test"}'


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(autouse=True)
def trusting(ca: Authority, settings: Any) -> None:
    settings.WEBHOOK_CA_PATH = ca.path
    settings.WEBHOOK_ALLOW_LOOPBACK = True


def way_out(*addresses: str, **limits: float) -> Door:
    """Return the installation's own way out, where every name leads to these addresses."""
    usual = door()
    found = list(addresses) or ["127.0.0.1"]
    return Door(policy=usual.policy, resolve=lambda _host, _port: found, tls=usual.tls, **limits)


def target_at(port: int, *, host: str = HOST, path: str = "/in") -> Target:
    return Target(is_tls=True, host=host, port=port, path=path)


def sent(port: int, through: Door | None = None, *, host: str = HOST) -> Answer:
    return post(target_at(port, host=host), BODY, {"webhook-id": "1"}, through=through or way_out())


def test_that_a_message_arrives_as_it_was_sent(ca: Authority) -> None:
    with server(ca.issue(HOST), answering(OK)) as there:
        answer = sent(there.port)

    assert (answer.outcome, answer.status) == (Outcome.DELIVERED, 204)
    assert there.received[0].head == "POST /in HTTP/1.1"
    assert there.received[0].body == BODY
    assert there.received[0].headers["host"] == f"{HOST}:{there.port}"
    assert there.received[0].headers["webhook-id"] == "1"
    assert there.names_asked == [HOST]


def test_that_it_works_without_tls_on_a_laptop() -> None:
    with server(None, answering(OK)) as there:
        answer = post(parse(f"http://127.0.0.1:{there.port}/x", LAPTOP), BODY, {}, through=door())

    assert answer.outcome is Outcome.DELIVERED
    assert there.received[0].head == "POST /x HTTP/1.1"


def test_that_an_address_in_the_url_is_verified_as_such(ca: Authority) -> None:
    with server(ca.issue("127.0.0.1"), answering(OK)) as there:
        answer = sent(there.port, host="127.0.0.1")

    assert answer.outcome is Outcome.DELIVERED


@pytest.mark.parametrize(("names", "days"), [(("elsewhere.example.com",), 1), ((HOST,), -1)])
def test_that_a_certificate_that_does_not_fit_is_refused(ca: Authority, names: tuple[str, ...], days: int) -> None:
    with server(ca.issue(*names, days=days), answering(OK)) as there:
        answer = sent(there.port)

    assert answer.outcome is Outcome.UNTRUSTED
    assert there.received == []


def test_that_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    with server(authority(tmp_path).issue(HOST), answering(OK)) as there:
        answer = sent(there.port)

    assert answer.outcome is Outcome.UNTRUSTED


def test_that_a_server_without_tls_gets_nothing() -> None:
    with server(None, answering(OK)) as there:
        answer = sent(there.port, way_out(total_seconds=2.0))

    assert answer.outcome in (Outcome.UNREACHABLE, Outcome.TIMED_OUT)
    assert there.received == []


def test_that_a_name_that_leads_to_this_machine_is_blocked(ca: Authority, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_LOOPBACK = False
    with server(ca.issue(HOST), answering(OK)) as there:
        answers = [sent(there.port, way_out(*found)) for found in (["127.0.0.1"], ["8.8.8.8", "::ffff:127.0.0.1"])]

    assert [answer.outcome for answer in answers] == [Outcome.BLOCKED, Outcome.BLOCKED]
    assert "127" not in answers[0].detail
    assert there.received == []


def test_that_a_name_that_changes_its_mind_changes_nothing(ca: Authority) -> None:
    """DNS rebinding: the second answer would be a machine of ours, but nobody asks a second time."""
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    usual = door()
    with server(ca.issue(HOST), answering(OK)) as there:
        answer = sent(there.port, Door(policy=usual.policy, resolve=rebinding, tls=usual.tls))

    assert answer.outcome is Outcome.DELIVERED
    assert asked == [HOST]


def test_that_the_system_s_resolver_is_not_asked_again(ca: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    through = way_out()

    def asked(*_arguments: object, **_options: object) -> None:
        raise AssertionError("somebody looked a name up after the check")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    with server(ca.issue(HOST), answering(OK)) as there:
        answer = sent(there.port, through)

    assert answer.outcome is Outcome.DELIVERED


def test_that_proxies_of_the_environment_are_not_used(ca: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with server(ca.issue(HOST), answering(OK)) as there:
        answer = sent(there.port)

    assert answer.outcome is Outcome.DELIVERED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_that_redirects_are_not_followed(ca: Authority, status: int) -> None:
    with server(ca.issue(HOST), answering(OK)) as inside:
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: https://{HOST}:{inside.port}/\r\nContent-Length: 0\r\n\r\n"
        with server(ca.issue(HOST), answering(moved.encode())) as there:
            answer = sent(there.port)

    assert (answer.outcome, answer.status) == (Outcome.REFUSED, status)
    assert "not followed" in answer.detail
    assert inside.received == []


@pytest.mark.parametrize(
    ("raw", "outcome", "status", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Outcome.DELIVERED, 200, "ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", Outcome.DELIVERED, 200, "until the end"),
        (b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Outcome.DELIVERED, 202, "ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nbroken", Outcome.DELIVERED, 200, "broken"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Outcome.DELIVERED, 200, ""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Outcome.DELIVERED, 200, ""),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", Outcome.REFUSED, 410, ""),
        (b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\na\x00\x1b\n", Outcome.REFUSED, 500, "a   "),
        (b"HTTP/1.1 500 No\r\nContent-Length: 20\r\n\r\npassword=hunter2hunt", Outcome.REFUSED, 500, "password=***"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n\xff\xfe", Outcome.REFUSED, 500, "\ufffd\ufffd"),
        (b"nonsense\r\n\r\n", Outcome.UNREACHABLE, None, "There was no answer: BadStatusLine."),
        (b"", Outcome.UNREACHABLE, None, "There was no answer: RemoteDisconnected."),
        (
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
            Outcome.UNREACHABLE,
            None,
            "There was no answer: HTTPException.",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
            Outcome.UNREACHABLE,
            None,
            "There was no answer: LineTooLong.",
        ),
    ],
)
def test_that_every_answer_is_understood(
    ca: Authority, raw: bytes, outcome: Outcome, status: int | None, detail: str
) -> None:
    with server(ca.issue(HOST), answering(raw)) as there:
        answer = sent(there.port)

    assert answer == Answer(outcome=outcome, status=status, detail=detail)


def test_that_a_huge_answer_is_not_read(ca: Authority) -> None:
    taken: list[int] = []

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)
            taken.append(65536)

    with server(ca.issue(HOST), flood) as there:
        began = time.monotonic()
        answer = sent(there.port)

    assert answer.outcome is Outcome.DELIVERED
    assert len(answer.detail) == SHOWN_CHARS
    assert sum(taken) < MAX_ANSWER_BYTES + 8 * 1024 * 1024, "more than what fits into the buffers on the way"
    assert time.monotonic() - began < 5


def _dripping(beginning: bytes) -> Any:
    def drip(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    return drip


@pytest.mark.parametrize(
    ("beginning", "outcome", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", Outcome.TIMED_OUT, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", Outcome.DELIVERED, 200),
        (b"HTTP/1.1 503 No\r\nContent-Length: 100000\r\n\r\n", Outcome.REFUSED, 503),
    ],
)
def test_that_a_byte_now_and_then_does_not_hold_it_up(
    ca: Authority, beginning: bytes, outcome: Outcome, status: int | None
) -> None:
    with server(ca.issue(HOST), _dripping(beginning)) as there:
        began = time.monotonic()
        answer = sent(there.port, way_out(total_seconds=0.6))

    assert (answer.outcome, answer.status) == (outcome, status)
    assert time.monotonic() - began < 2


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing, not even a TLS greeting."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_that_silence_ends_in_time(silent: int) -> None:
    began = time.monotonic()

    answer = sent(silent, way_out(total_seconds=0.4))

    assert answer.outcome is Outcome.TIMED_OUT
    assert time.monotonic() - began < 2


def test_that_a_closed_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    assert sent(port).outcome is Outcome.UNREACHABLE


def test_that_the_next_address_is_tried(ca: Authority) -> None:
    with server(ca.issue(HOST), answering(OK)) as there:
        answer = sent(there.port, way_out("::1", "127.0.0.1"))

    assert answer.outcome is Outcome.DELIVERED


def test_that_a_name_that_leads_nowhere_is_told() -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise NotResolved("The name could not be looked up.")

    usual = door()

    answer = sent(443, Door(policy=usual.policy, resolve=nowhere, tls=usual.tls))

    assert answer == Answer(outcome=Outcome.UNREACHABLE, detail="The name could not be looked up.")


def test_that_the_settings_make_the_way_out(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_LOOPBACK = False
    settings.WEBHOOK_CA_PATH = ""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.0.0.0/8"]
    settings.WEBHOOK_DENIED_NETWORKS = ["10.96.0.0/12", "fd00::/8"]

    found = door()

    assert found.total_seconds == 15
    assert not found.policy.allows_loopback
    assert [str(network) for network in (*found.policy.allowed, *found.policy.denied)] == [
        "10.0.0.0/8",
        "10.96.0.0/12",
        "fd00::/8",
    ]
    assert found.tls.check_hostname
