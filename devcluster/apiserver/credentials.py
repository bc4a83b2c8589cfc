"""Certificates, tokens and the kubeconfig under the data directory. Made at the first start, kept by every later one."""

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
import json
import os
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devcluster.apiserver.errors import Body
from devcluster.apiserver.rbac import AUTHENTICATED, SUPERUSERS, User

VALID_FOR = dt.timedelta(days=3650)
"""A laptop's cluster has nobody who would renew certificates."""


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, so that no reader ever sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What the server needs to prove itself and to know its clients."""

    directory: Path
    admin_token: str
    signing_key: bytes

    @property
    def ca_path(self) -> Path:
        """Give the certificate that clients trust."""
        return self.directory / "ca.crt"

    def tls_context(self) -> ssl.SSLContext:
        """Make the server side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")
        return context

    def write_kubeconfig(self, path: Path, url: str) -> None:
        """Write the administrator's kubeconfig, atomically."""
        authority = base64.b64encode(self.ca_path.read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "pocket", "cluster": {"server": url, "certificate-authority-data": authority}}],
            "users": [{"name": "admin", "user": {"token": self.admin_token}}],
            "contexts": [{"name": "pocket", "context": {"cluster": "pocket", "user": "admin"}}],
            "current-context": "pocket",
        }
        write_private(path, yaml.safe_dump(config, sort_keys=False).encode())

    def admin(self, token: str) -> User | None:
        """Give the administrator when the token is theirs."""
        if hmac.compare_digest(token.encode(), self.admin_token.encode()):
            return User(name="kubernetes-admin", groups=(SUPERUSERS, AUTHENTICATED))
        return None

    def sign_token(self, claims: Body) -> str:
        """Make a service account token: a JWT that only this cluster accepts."""
        header = _segment({"alg": "HS256", "typ": "JWT"})
        signed = f"{header}.{_segment(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def read_token(self, token: str) -> Body | None:
        """Give the claims of a token that we signed, None for any other."""
        signed, _, signature = token.rpartition(".")
        if not signed or not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return None
        payload = signed.partition(".")[2]
        claims: Body = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    def _signature(self, signed: str) -> str:
        digest = hmac.new(self.signing_key, signed.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _segment(content: Body) -> str:
    encoded = json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()


def load_or_create(directory: Path) -> Credentials:
    """Read the credentials of a data directory, making them when it has none."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    tokens = directory / "tokens.json"
    if not tokens.exists():
        _create_certificates(directory)
        made = {"admin": secrets.token_urlsafe(32), "signing_key": secrets.token_hex(32)}
        write_private(tokens, json.dumps(made).encode())
    kept = json.loads(tokens.read_bytes())
    return Credentials(directory=directory, admin_token=kept["admin"], signing_key=bytes.fromhex(kept["signing_key"]))


def _create_certificates(directory: Path) -> None:
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pocket-cluster-ca")])
    authority = (
        _builder(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost"), x509.DNSName("kubernetes"),
    ])  # fmt: skip
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pocket-cluster")])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    server = (
        _builder(server_name, authority_name, server_key)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    for name, certificate, key in (("ca", authority, authority_key), ("server", server, server_key)):
        write_private(directory / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
        write_private(directory / f"{name}.key", _private_pem(key))


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(tz=dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
