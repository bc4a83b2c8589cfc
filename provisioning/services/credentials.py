"""Hand out a database's credentials: read from the cluster's Secret on demand, never kept, each read on record before it happens."""

import base64
from dataclasses import dataclass
from uuid import UUID

from accounts import audit
from accounts.actor import Actor
from accounts.permissions import Permission
from dbaas.core.errors import Conflict
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import SECRET, Ref, kind_of
from provisioning.cluster.registry import gateway_to
from provisioning.engine import Address, Engine
from provisioning.engines import all_engines
from provisioning.models import Database
from provisioning.selectors import database_of
from tenants.access import require


class NoCredentialsYet(Conflict):
    """The database has no credentials to give (yet): wait until its status is ready."""

    code = "database.no_credentials"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Everything that a client needs to connect."""

    username: str
    password: str
    host: str
    port: int
    database: str
    uri: str
    ca: str | None

    def __repr__(self) -> str:
        """Leave the password out: a repr ends up in logs."""
        return f"Credentials({self.username}@{self.host}:{self.port})"


def read_credentials(actor: Actor, database_id: UUID) -> Credentials:
    """Return how to connect; the read is on record before the Secret is touched.

    Raises: NoCredentialsYet, and the cluster's errors.
    """
    database = database_of(actor, database_id)
    require(actor, database.tenant_id, Permission.CREDENTIALS_READ)
    if not database.is_live or not database.endpoint_host or database.endpoint_port is None:
        raise NoCredentialsYet
    audit.record(
        actor,
        action="database.credentials.read",
        object_type="database",
        object_id=str(database.id),
        tenant_id=database.tenant_id,
    )
    engine = all_engines()[database.engine]
    username, password, ca = _read_secret(gateway_to(database.cluster), database, engine)
    address = Address(
        host=database.endpoint_host,
        port=database.endpoint_port,
        username=username,
        password=password,
        namespace=database.namespace,
        object_name=database.object_name,
        is_external=database.access_mode == "external",
        topology=database.topology,
    )
    return Credentials(
        username=username,
        password=password,
        host=address.host,
        port=address.port,
        database=engine.default_database,
        uri=engine.uri(address),
        ca=ca,
    )


def _read_secret(gateway: Gateway, database: Database, engine: Engine) -> tuple[str, str, str | None]:
    """Return username, password and the CA; the Secret is found by the name that the object itself gives."""
    kind = kind_of("kubedb.com/v1", engine.kind)
    found = gateway.get(Ref(kind=kind, name=database.object_name, namespace=database.namespace))
    name = ((found or {}).get("spec", {}).get("authSecret") or {}).get("name")
    secret = gateway.get(Ref(kind=SECRET, name=name, namespace=database.namespace)) if name else None
    if secret is None:
        raise NoCredentialsYet
    held = {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
    return held.get("username", ""), held.get("password", ""), _read_ca(gateway, database, engine)


def _read_ca(gateway: Gateway, database: Database, engine: Engine) -> str | None:
    """Return the certificate to check the server's own against, where the engine speaks TLS and the cluster holds it."""
    if not engine.ca_suffix:
        return None
    name = f"{database.object_name}{engine.ca_suffix}"
    secret = gateway.get(Ref(kind=SECRET, name=name, namespace=database.namespace))
    encoded = ((secret or {}).get("data") or {}).get("ca.crt")
    return base64.b64decode(encoded).decode() if encoded else None
