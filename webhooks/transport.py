"""Send one message over HTTP/1.1, to an address that was checked, and read a little of the answer.

The standard library's client is enough, and what it does not do is what is wanted: it follows no redirect, reads no proxy variable, keeps no
connection and no cookie. We connect ourselves, to the very address that was checked, and hand it the socket; TLS verifies the host's name.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from dbaas.core.redaction import redact
from webhooks.addresses import AddressPolicy
from webhooks.targets import NotPublic, NotResolved, Resolve, Target, checked_addresses

TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
MAX_ANSWER_BYTES = 64 * 1024
SHOWN_CHARS = 500
_MOST_ADDRESSES = 3
"""So many of a name's addresses are tried; each costs time."""


class Outcome(StrEnum):
    """How a try ended."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it: the status, if there was one, and the beginning of the answer or the reason why there is none."""

    outcome: Outcome
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Door:
    """How this installation reaches the outside."""

    policy: AddressPolicy
    resolve: Resolve
    tls: ssl.SSLContext
    total_seconds: float = TOTAL_SECONDS
    connect_seconds: float = CONNECT_SECONDS


def post(target: Target, body: bytes, headers: Mapping[str, str], *, through: Door) -> Answer:
    """Send the message and return what came of it; never raises for anything that the other side does."""
    ends_at = time.monotonic() + through.total_seconds
    try:
        addresses = checked_addresses(target, through.policy, through.resolve)
        connected = _connect(addresses, target, through, ends_at)
        if target.is_tls:
            connected = through.tls.wrap_socket(connected, server_hostname=target.host, do_handshake_on_connect=False)
        with closing(connected), _cut_off_at(ends_at, connected):
            if isinstance(connected, ssl.SSLSocket):
                connected.do_handshake()
            return _exchange(connected, target, body, headers, ends_at)
    except NotPublic as error:
        return Answer(outcome=Outcome.BLOCKED, detail=str(error))
    except NotResolved as error:
        return Answer(outcome=Outcome.UNREACHABLE, detail=str(error))
    except ssl.SSLCertVerificationError as error:
        return Answer(outcome=Outcome.UNTRUSTED, detail=f"The certificate is not valid: {error.verify_message}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= ends_at:
            return Answer(outcome=Outcome.TIMED_OUT, detail="There was no complete answer in time.")
        return Answer(outcome=Outcome.UNREACHABLE, detail=f"There was no answer: {type(error).__name__}.")


def _connect(addresses: list[str], target: Target, through: Door, ends_at: float) -> socket.socket:
    failed: OSError = OSError("no address")
    for address in addresses[:_MOST_ADDRESSES]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.settimeout(max(0.01, min(through.connect_seconds, ends_at - time.monotonic())))
        try:
            opened.connect((address, target.port))
        except OSError as error:
            opened.close()
            failed = error
        else:
            opened.settimeout(through.total_seconds)
            return opened
    raise failed


@contextmanager
def _cut_off_at(ends_at: float, connected: socket.socket) -> Iterator[None]:
    """End the connection at that moment, whatever is being read: a time limit for each read would let a byte every few seconds go on for ever."""
    timer = threading.Timer(max(0.0, ends_at - time.monotonic()), _cut, [connected])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _exchange(
    connected: socket.socket, target: Target, body: bytes, headers: Mapping[str, str], ends_at: float
) -> Answer:
    client = http.client.HTTPConnection(target.host, target.port)
    client.auto_open = 0
    client.sock = connected
    client.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
    own = {"Host": target.authority, "Connection": "close", "Accept-Encoding": "identity"}
    for name, value in {**own, **headers, "Content-Length": str(len(body))}.items():
        client.putheader(name, value)
    client.endheaders(body)
    with closing(client.getresponse()) as response:
        if time.monotonic() >= ends_at:
            raise TimeoutError  # to the library headers that were cut off are complete
        return _answer(response.status, _beginning_of(response))


def _beginning_of(response: http.client.HTTPResponse) -> str:
    """Return the first characters of the body; a body that breaks off does not change what the status said."""
    raw = b""
    with suppress(OSError, http.client.HTTPException, ValueError):
        while len(raw) < MAX_ANSWER_BYTES and (more := response.read1(MAX_ANSWER_BYTES - len(raw))):
            raw += more
    text = "".join(char if char.isprintable() else " " for char in raw[: SHOWN_CHARS * 4].decode("utf-8", "replace"))
    shown = redact(text)
    return shown if len(shown) <= SHOWN_CHARS else shown[: SHOWN_CHARS - 1] + "…"


def _answer(status: int, detail: str) -> Answer:
    if 200 <= status < 300:  # noqa: PLR2004 -- the class of statuses that mean success
        return Answer(outcome=Outcome.DELIVERED, status=status, detail=detail)
    if 300 <= status < 400:  # noqa: PLR2004 -- the class of statuses that mean elsewhere
        detail = f"Redirects are not followed. {detail}".strip()
    return Answer(outcome=Outcome.REFUSED, status=status, detail=detail[:SHOWN_CHARS])
