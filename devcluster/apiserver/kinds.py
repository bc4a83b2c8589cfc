"""What the server itself does to built-in kinds when they are written: defaults, allocation, immutability; one table."""

import base64
import binascii
from collections.abc import Callable, Mapping

import orjson

from devcluster.apiserver import shapes
from devcluster.apiserver.credentials import Credentials
from devcluster.apiserver.errors import (
    Body,
    Cause,
    bad_request,
    forbidden_field,
    invalid,
    invalid_field,
    required_field,
)
from devcluster.apiserver.services import Services
from devcluster.apiserver.store import Key, Store

TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 — the name of a type
ACCOUNT_NAME = "kubernetes.io/service-account.name"
ACCOUNT_UID = "kubernetes.io/service-account.uid"


class Kinds:
    """Prepares objects of built-in kinds; kinds that are not in the table are stored as they come."""

    def __init__(self, store: Store, credentials: Credentials) -> None:
        self._store = store
        self._credentials = credentials
        self._prepare: Mapping[str, Callable[[Body | None, Body], None]] = {
            "namespaces": _prepare_namespace,
            "secrets": self._prepare_secret,
            "configmaps": _prepare_config_map,
            "services": Services(store).prepare,
            "pods": _prepare_pod,
            "persistentvolumeclaims": _prepare_claim,
            "customresourcedefinitions.apiextensions.k8s.io": _prepare_definition,
        }

    def prepare(self, resource_key: str, old: Body | None, new: Body) -> None:
        """Complete and check a new or changed object in place.

        Raises: ApiError — 400 or 422, for an object that the kind does not allow.
        """
        prepare = self._prepare.get(resource_key)
        if prepare is None:
            return
        try:
            prepare(old, new)
        except (AttributeError, KeyError, TypeError) as error:
            # Built-in kinds carry no schema here, so a wrong type shows when it is used; the real server cannot decode it.
            kind = new["kind"]
            raise bad_request(f'{kind} in version "v1" cannot be handled as a {kind}: {error}') from error

    def _prepare_secret(self, old: Body | None, new: Body) -> None:
        strings = new.pop("stringData", None) or {}
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in strings.items()}
        if encoded:
            new["data"] = {**(new.get("data") or {}), **encoded}
        new.setdefault("type", (old or {}).get("type") or "Opaque")
        for value in (new.get("data") or {}).values():
            _require_base64(value)
        if old is not None:
            _require_same(old, new, "Secret", ("type",))
            _require_mutable(old, new, "Secret")
        if new["type"] == TOKEN_TYPE:
            self._issue_token(new)

    def _issue_token(self, secret: Body) -> None:
        metadata = secret["metadata"]
        account_name = (metadata.get("annotations") or {}).get(ACCOUNT_NAME)
        if not account_name:
            raise _invalid("Secret", secret, required_field(f"metadata.annotations[{ACCOUNT_NAME}]"))
        namespace = metadata["namespace"]
        stored = self._store.get(Key("serviceaccounts", namespace, account_name))
        if stored is None or (secret.get("data") or {}).get("token"):
            return
        uid = orjson.loads(stored)["metadata"]["uid"]
        claims = {
            "iss": "kubernetes/serviceaccount",
            "kubernetes.io/serviceaccount/namespace": namespace,
            "kubernetes.io/serviceaccount/secret.name": metadata["name"],
            "kubernetes.io/serviceaccount/service-account.name": account_name,
            "kubernetes.io/serviceaccount/service-account.uid": uid,
            "sub": f"system:serviceaccount:{namespace}:{account_name}",
        }
        metadata["annotations"][ACCOUNT_UID] = uid
        files = {
            "ca.crt": self._credentials.ca_path.read_bytes(),
            "namespace": namespace.encode(),
            "token": self._credentials.sign_token(claims).encode(),
        }
        added = {name: base64.b64encode(content).decode() for name, content in files.items()}
        secret["data"] = {**(secret.get("data") or {}), **added}


def _invalid(kind: str, body: Body, *causes: Cause) -> Exception:
    group = "apiextensions.k8s.io" if kind == "CustomResourceDefinition" else ""
    return invalid(kind, group, body["metadata"].get("name", ""), causes)


def _require_base64(value: object) -> None:
    try:
        base64.b64decode(str(value), validate=True)
    except binascii.Error as error:
        why = "illegal base64 data at input byte 0"
        raise bad_request(f'Secret in version "v1" cannot be handled as a Secret: {why}') from error


def _require_same(old: Body, new: Body, kind: str, names: tuple[str, ...]) -> None:
    for name in names:
        if old.get(name) != new.get(name):
            raise _invalid(kind, new, invalid_field(name, new.get(name), "field is immutable"))


def _require_mutable(old: Body, new: Body, kind: str) -> None:
    if old.get("immutable") and (old.get("data") != new.get("data") or not new.get("immutable")):
        raise _invalid(kind, new, forbidden_field("data", "field is immutable when `immutable` is set"))


def _prepare_config_map(old: Body | None, new: Body) -> None:
    if old is not None:
        _require_mutable(old, new, "ConfigMap")


def _prepare_namespace(_old: Body | None, new: Body) -> None:
    metadata = new["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    new.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    phase = "Terminating" if metadata.get("deletionTimestamp") else "Active"
    new["status"] = {**(new.get("status") or {}), "phase": phase}


def _prepare_pod(_old: Body | None, new: Body) -> None:
    if not (new.get("spec") or {}).get("containers"):
        raise _invalid("Pod", new, required_field("spec.containers"))
    new.setdefault("status", {}).setdefault("phase", "Pending")
    new["spec"].setdefault("restartPolicy", "Always")


def _prepare_claim(old: Body | None, new: Body) -> None:
    spec = new.setdefault("spec", {})
    if not spec.get("accessModes"):
        raise _invalid(
            "PersistentVolumeClaim", new, required_field("spec.accessModes", "at least 1 access mode is required")
        )
    if not ((spec.get("resources") or {}).get("requests") or {}).get("storage"):
        raise _invalid("PersistentVolumeClaim", new, required_field("spec.resources[storage]"))
    if old is None:
        spec.setdefault("storageClassName", "standard")
    spec.setdefault("volumeMode", "Filesystem")
    new.setdefault("status", {}).setdefault("phase", "Pending")


def _prepare_definition(_old: Body | None, new: Body) -> None:
    """Accept a CRD at once: names are not checked for clashes, versions are taken as they come."""
    spec = shapes.DEFINITION.require(new)["spec"]
    names = spec["names"]
    wanted = f"{names['plural']}.{spec['group']}"
    if new["metadata"]["name"] != wanted:
        why = 'must be spec.names.plural+"."+spec.group'
        raise _invalid("CustomResourceDefinition", new, invalid_field("metadata.name", new["metadata"]["name"], why))
    if sum(bool(version.get("storage")) for version in spec.get("versions") or ()) != 1:
        why = "must have exactly one version marked as storage version"
        raise _invalid(
            "CustomResourceDefinition", new, invalid_field("spec.versions", len(spec.get("versions") or ()), why)
        )
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", names["kind"] + "List")
    spec.setdefault("conversion", {"strategy": "None"})
    made_at = new["metadata"].get("creationTimestamp")
    new["status"] = {
        "acceptedNames": names,
        "storedVersions": [version["name"] for version in spec["versions"] if version["storage"]],
        "conditions": [
            {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found",
             "lastTransitionTime": made_at},
            {"type": "Established", "status": "True", "reason": "InitialNamesAccepted",
             "message": "the initial names have been accepted", "lastTransitionTime": made_at},
        ],
    }  # fmt: skip
