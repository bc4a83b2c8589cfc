"""CRD schemas as strict JSON Schemas: what an API server would drop or refuse with `fieldValidation=Strict` is an error here.

A structural schema is closed: an object has the properties it lists unless it says otherwise. Root `metadata` is the API server's own; here
it has the fields that our manifests use.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from provisioning.cluster.kinds import Kind
from provisioning.engine import Body

_LABEL_VALUE = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
_METADATA: Body = {
    "type": "object",
    "required": ["name", "namespace"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "pattern": _LABEL_VALUE}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": {"type": "object", "required": ["uid"]}},
    },
}


ROOT = Path(__file__).parents[2]
_PUBLISHED = Path(os.environ.get("DBAAS_CRDS") or ROOT.parent / "shared/kubedb/crds")


class Schemas:
    """The CRDs in one folder, each read and compiled when it is first asked for: the published ones are megabytes of YAML."""

    def __init__(self, folder: Path, kinds: Iterable[Kind]) -> None:
        """Remember where the CRDs are, and which kinds are ours to write, each in the one version that we write."""
        self._folder = folder
        self._kinds = {kind.kind: kind for kind in kinds}
        self._compiled: dict[str, Callable[[Body], list[str]]] = {}

    def problems(self, body: Body) -> list[str]:
        """Return everything that does not fit, each with its path."""
        kind = body["kind"]
        if kind not in self._compiled:
            self._compiled[kind] = _compile(self._folder, self._kinds[kind])
        return self._compiled[kind](body)


def published_schemas(kinds: Iterable[Kind]) -> Schemas:
    """Return the CRDs as their makers publish them; a test without them is skipped, and says so."""
    if not _PUBLISHED.is_dir():
        pytest.skip(
            f"NOT PROVEN: the published CRDs are not at {_PUBLISHED}. Point DBAAS_CRDS at the folder `crds` of"
            " github.com/kubedb/apimachinery (those of KubeStash beside them) to check our manifests against KubeDB itself."
        )
    return Schemas(_PUBLISHED, kinds)


def _compile(folder: Path, kind: Kind) -> Callable[[Body], list[str]]:
    group, _, version_we_write = kind.api_version.partition("/")
    definition = yaml.load((folder / f"{group}_{kind.plural}.yaml").read_bytes(), Loader=yaml.CSafeLoader)
    served = {version["name"]: version for version in definition["spec"]["versions"]}
    schema = strict(served[version_we_write]["schema"]["openAPIV3Schema"])
    schema["properties"] |= {
        "apiVersion": {"const": kind.api_version},
        "kind": {"const": definition["spec"]["names"]["kind"]},
        "metadata": _METADATA,
    }
    schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
    validator = jsonschema_rs.Draft202012Validator(schema | {"additionalProperties": False})
    return lambda body: [_describe(error) for error in validator.iter_errors(body)]


def strict(schema: Any) -> Any:
    """Return a structural schema as plain JSON Schema that refuses what it does not name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: strict(part) for key, part in schema.items() if key not in ("properties", "default", "example")}
    if "properties" in schema:
        plain["properties"] = {name: strict(part) for name, part in schema["properties"].items()}
    if schema.get("x-kubernetes-int-or-string"):
        plain["type"] = ["integer", "string"]
    if _is_closed(schema):
        plain["additionalProperties"] = False
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain


def _is_closed(schema: Body) -> bool:
    is_open = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    return schema.get("type") == "object" and not is_open


def _describe(error: Any) -> str:
    path = ".".join(str(part) for part in error.instance_path)
    return f"{path or '(root)'}: {error.message}"
