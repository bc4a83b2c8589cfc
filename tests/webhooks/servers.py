"""A real HTTPS server on loopback with a certificate of an authority made for the tests, and answers of every kind."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "hooks.example.com"

OK = b"HTTP/1.1 204 No Content\r\n\r\n"

Speak = Callable[[socket.socket], None]
"""What the server does with a connection once it has read the request."""


@dataclass(kw_only=True)
class Received:
    """One request as it came over the wire."""

    head: str
    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class Server:
    """Where it listens, and what it was sent."""

    port: int
    received: list[Received] = field(default_factory=list)
    names_asked: list[str | None] = field(default_factory=list)
    """Server names in the TLS handshakes."""


@dataclass(frozen=True, kw_only=True)
class Authority:
    """An authority that signs certificates for tests."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def path(self) -> str:
        """Return the file that clients are to trust."""
        return str(self.folder / "ca.pem")

    def issue(self, *names: str, days: int = 1) -> str:
        """Return a file with a certificate for these names, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_alternative(name) for name in names]
        certificate = (
            _builder(names[0], self.certificate.subject, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{names[0].replace(':', '_')}-{days}.pem"
        path.write_bytes(_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)


def authority(folder: Path) -> Authority:
    """Return a new authority whose files are in this folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
    certificate = (
        _builder("Authority of the tests", subject, key.public_key(), 1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(folder=folder, key=key, certificate=certificate)


def _builder(name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = dt.datetime.now(tz=dt.UTC)
    begins, ends = sorted((now - dt.timedelta(hours=1), now + dt.timedelta(days=days)))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def answering(raw: bytes) -> Speak:
    """Answer with these bytes."""
    return lambda connection: connection.sendall(raw)


@contextmanager
def server(certificate: str | None, speak: Speak) -> Iterator[Server]:
    """Listen until the block ends, one thread per connection; without a certificate without TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Server(port=listening.getsockname()[1])
        context = _context(certificate, found) if certificate else None
        threading.Thread(target=_accept, args=(listening, context, speak, found), daemon=True).start()
        yield found
        listening.shutdown(socket.SHUT_RDWR)


def _context(certificate: str, found: Server) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def note(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        found.names_asked.append(name)

    context.sni_callback = note
    return context


def _accept(listening: socket.socket, context: ssl.SSLContext | None, speak: Speak, found: Server) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, context, speak, found), daemon=True).start()


def _serve(connection: socket.socket, context: ssl.SSLContext | None, speak: Speak, found: Server) -> None:
    with connection:
        connection.settimeout(20)
        try:
            spoken = context.wrap_socket(connection, server_side=True) if context else connection
            with spoken:
                found.received.append(_request(spoken))
                speak(spoken)
        except OSError:
            return  # the client went away, which is what many tests are about


def _request(connection: socket.socket) -> Received:
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += _more(connection)
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    return Received(head=first, headers=headers, body=body)


def _more(connection: socket.socket) -> bytes:
    got = connection.recv(65536)
    if not got:
        raise ConnectionError("the client sent no whole request")
    return got
