"""Values that are references to a secret store: `vault:MOUNT/data/PATH#FIELD` is replaced by what the store holds there.

Vault and OpenBao speak the same API (KV version 2). How to reach the store and who we are is said in the variables that their own client
reads: VAULT_ADDR, VAULT_NAMESPACE, VAULT_CACERT, and VAULT_TOKEN, VAULT_TOKEN_FILE or VAULT_KUBERNETES_ROLE. Another store is another entry in
SOURCES. Read once, when a process starts: after a change, restart it.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

_TIMEOUT_SECONDS = 5
_SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 -- a path; Kubernetes mounts the token there


class SecretNotRead(Exception):
    """One sentence that says what is in the way, without any secret."""


Read = Callable[[str], str]
"""Takes what stands after the scheme. Raises: SecretNotRead."""


def with_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with every reference replaced.

    Raises: ImproperlyConfigured — names every variable whose secret could not be read.
    """
    found, problems = dict(values), list[str]()
    opened = {scheme: make() for scheme, make in SOURCES.items() if _is_used(scheme, values)}
    for name, value in values.items():
        scheme, _, reference = value.partition(":") if isinstance(value, str) else ("", "", "")
        if scheme in opened:
            try:
                found[name] = opened[scheme](reference)
            except SecretNotRead as error:
                problems.append(f"{name.upper()}: {error}")
    if problems:
        raise ImproperlyConfigured("Secrets could not be read:\n  " + "\n  ".join(problems))
    return found


def _is_used(scheme: str, values: Mapping[str, Any]) -> bool:
    return any(isinstance(value, str) and value.startswith(f"{scheme}:") for value in values.values())


def _vault() -> Read:
    """Return a reader that logs in and asks for each path once."""

    @cache
    def client() -> Any:
        return _logged_in()

    @cache
    def secrets_at(mount: str, path: str) -> dict[str, Any]:
        return _read_path(client(), mount, path)

    def read(reference: str) -> str:
        address, _, field = reference.partition("#")
        mount, separator, path = address.partition("/data/")
        if not (mount and separator and path and field):
            raise SecretNotRead("a reference looks like vault:secret/data/dbaas#SECRET_KEY.")
        held = secrets_at(mount, path)
        if not isinstance(held.get(field), str):
            raise SecretNotRead(f"{address} has no text in the field {field}.")
        return str(held[field])

    return read


def _read_path(client: Any, mount: str, path: str) -> dict[str, Any]:
    from hvac.exceptions import Forbidden, InvalidPath, Unauthorized, VaultError
    from requests import RequestException

    try:
        answer = client.secrets.kv.v2.read_secret_version(path, mount_point=mount, raise_on_deleted_version=True)
    except InvalidPath as error:
        raise SecretNotRead(f"the store has nothing at {mount}/data/{path}.") from error
    except (Forbidden, Unauthorized) as error:
        raise SecretNotRead(f"the store does not let us read {mount}/data/{path}: check token and policy.") from error
    except (VaultError, RequestException, ValueError) as error:
        raise SecretNotRead(f"the store does not answer as it should ({type(error).__name__}).") from error
    return dict(answer["data"]["data"])


def _logged_in() -> Any:
    try:
        import hvac
    except ImportError as error:
        raise SecretNotRead("install requirements-vault.txt to read secrets from Vault or OpenBao.") from error
    from hvac.exceptions import VaultError
    from requests import RequestException

    if not os.environ.get("VAULT_ADDR"):
        raise SecretNotRead("set VAULT_ADDR to the address of the store.")
    client = hvac.Client(timeout=_TIMEOUT_SECONDS, namespace=os.environ.get("VAULT_NAMESPACE"))
    try:
        if path := os.environ.get("VAULT_TOKEN_FILE"):
            client.token = Path(path).read_text(encoding="utf-8").strip()
        elif role := os.environ.get("VAULT_KUBERNETES_ROLE"):
            account = Path(os.environ.get("VAULT_KUBERNETES_TOKEN_PATH") or _SERVICE_ACCOUNT_TOKEN)
            client.auth.kubernetes.login(role=role, jwt=account.read_text(encoding="utf-8").strip())
    except OSError as error:  # RequestException is one too
        what = "cannot be reached" if isinstance(error, RequestException) else f"needs a file: {error.strerror}"
        raise SecretNotRead(f"the store {what} ({type(error).__name__}).") from error
    except VaultError as error:
        raise SecretNotRead(f"the store refused the log-in ({type(error).__name__}).") from error
    if not client.token:
        raise SecretNotRead("set VAULT_TOKEN, VAULT_TOKEN_FILE or VAULT_KUBERNETES_ROLE.")
    return client


SOURCES: Mapping[str, Callable[[], Read]] = {"vault": _vault}
"""By scheme: what makes a reader, once per start."""
