"""Where a message goes: the URL that a customer chose, read strictly, and the addresses behind its name, looked up once and all checked.

Whoever connects uses one of these very addresses: a name that is looked up a second time may have changed its mind (DNS rebinding).
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

import idna

from dbaas.core.errors import FieldError, InvalidRequest
from webhooks.addresses import Address, AddressPolicy

_PORTS = {"https": 443, "http": 80}
_FIRST_UNPRIVILEGED_PORT = 1024
_MAX_HOST_CHARS = 253
_ILLEGAL = re.compile(r"[\x00-\x20\x7f\\]")
_LABELS = re.compile(r"\A(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\Z")
_LOOKS_LIKE_NUMBER = re.compile(r"\A(?:[0-9]+|0x[0-9a-f]*)\Z")
_KEPT_IN_PATH = "/:@!$&'()*+,;=-._~%?"

Resolve = Callable[[str, int], list[str]]
"""Returns every address of a name, as text."""


class UrlRefused(InvalidRequest):
    """The webhook's URL cannot be used: see the error."""

    code = "webhook.url_refused"


class NotResolved(Exception):
    """The name leads nowhere, or nobody could say in time where it leads."""


class NotPublic(Exception):
    """One of the addresses behind the name is not one that messages may go to. Which one is not told: it may be a secret of our network."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A URL in its parts, ready to be called."""

    is_tls: bool
    host: str
    """Lower case, ASCII, without brackets; a name or an address."""
    port: int
    path: str
    """With the query; never empty."""

    @property
    def authority(self) -> str:
        """Return what belongs into the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.is_tls else "http"] else f"{host}:{self.port}"


def parse(url: str, policy: AddressPolicy) -> Target:
    """Read a URL. Asks nobody: what its name leads to is checked when it is called.

    Raises: UrlRefused — says what is wrong with it.
    """
    if _ILLEGAL.search(url):
        raise _refused("The URL holds spaces, control characters or backslashes: encode them.")
    parts, port = _split(url)
    if parts.scheme not in _PORTS or (parts.scheme == "http" and not policy.allows_loopback):
        raise _refused("Use https://.")
    if parts.username is not None or parts.password is not None:
        raise _refused("Leave user and password out of the URL: every message is signed instead.")
    if parts.fragment:
        raise _refused("Leave out what follows #: it would not be sent.")
    port = _PORTS[parts.scheme] if port is None else port
    if port < _FIRST_UNPRIVILEGED_PORT and port != _PORTS[parts.scheme]:
        raise _refused("Use port 443, or one from 1024 on.")
    host = _host(parts.hostname or "")
    _refuse_literal(host, policy)
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_KEPT_IN_PATH)
    return Target(is_tls=parts.scheme == "https", host=host, port=port, path=path)


def host_of(url: str) -> str:
    """Return the host alone, for records that more people read: paths of such URLs often are secrets."""
    return urlsplit(url).hostname or ""


def checked_addresses(target: Target, policy: AddressPolicy, resolve: Resolve) -> list[str]:
    """Look the name up, once, and return its addresses, every one of them checked.

    Raises: NotResolved, NotPublic.
    """
    found = resolve(target.host, target.port)
    if not found:
        raise NotResolved("The name has no address.")
    for text in found:
        if not _is_fine(text, policy):
            raise NotPublic("The URL leads to an address that is not public.")
    return found


def resolve_within(seconds: float) -> Resolve:
    """Return a look-up by the system's resolver that ends in time: a name server of a customer's may never answer."""

    def resolve(host: str, port: int) -> list[str]:
        found: list[str] = []
        failed: list[OSError] = []
        looking = threading.Thread(target=_look_up, args=(host, port, found, failed), daemon=True)
        looking.start()
        looking.join(seconds)
        if looking.is_alive():
            raise NotResolved("The name could not be looked up in time.")
        if failed:
            raise NotResolved("The name could not be looked up.") from failed[0]
        return found

    return resolve


def _look_up(host: str, port: int, found: list[str], failed: list[OSError]) -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        failed.append(error)
    except UnicodeError as error:  # the resolver's own encoding of names may dislike what ours let pass
        failed.append(OSError(str(error)))
    else:
        found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused("This is not a URL.") from error
    return parts, port


def _refused(why: str) -> UrlRefused:
    return UrlRefused(why, errors=[FieldError(field="url", message=why, code="invalid")])


def _host(text: str) -> str:
    """Return the name in lower case and ASCII, or the address; refuse everything that some program might read differently."""
    host = text.rstrip(".").lower()
    if ":" in host:
        return host
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError as error:
            raise _refused("The host's name is not a valid international one.") from error
    if not _LABELS.match(host) or len(host) > _MAX_HOST_CHARS:
        raise _refused("The URL has no valid host.")
    return host


def _refuse_literal(host: str, policy: AddressPolicy) -> None:
    """Check an address that stands in the URL itself; its other spellings (octal, hexadecimal, one number) are refused as such."""
    address = _address(host)
    if address is None:
        if ":" in host or _LOOKS_LIKE_NUMBER.match(host.rpartition(".")[2]):
            raise _refused("Write the address as four decimal numbers, or as IPv6, or use a name.")
    elif not policy.allows(address):
        raise _refused("The URL leads to an address that is not public.")


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_fine(text: str, policy: AddressPolicy) -> bool:
    address = _address(text)
    return address is not None and "%" not in text and policy.allows(address)
