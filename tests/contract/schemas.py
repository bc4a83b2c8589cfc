"""CRD schemas as strict JSON Schemas: what an API server would drop or refuse with `fieldValidation=Strict` is an error here.

A structural schema is closed: an object has the properties it lists unless it says otherwise. Root `metadata` is the API server's own; here
it has the four fields that our manifests use.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from provisioning.engine import Body

_LABEL_VALUE = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
_METADATA: Body = {
    "type": "object",
    "required": ["name", "namespace", "labels", "annotations"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "pattern": _LABEL_VALUE}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
_VERSION_OF_GROUP = "v1"
"""The version of kubedb.com that we write; the other one that is served is converted."""


class Schemas:
    """The CRDs in one folder, each read and compiled when it is first asked for: the published ones are megabytes of YAML."""

    def __init__(self, folder: Path, plurals: Mapping[str, str]) -> None:
        """Remember where the CRDs are; `plurals` by kind, because files are named by them."""
        self._folder = folder
        self._plurals = plurals
        self._compiled: dict[str, Callable[[Body], list[str]]] = {}

    def problems(self, body: Body) -> list[str]:
        """Return everything that does not fit, each with its path."""
        kind = body["kind"]
        if kind not in self._compiled:
            self._compiled[kind] = _compile(self._folder / f"kubedb.com_{self._plurals[kind]}.yaml")
        return self._compiled[kind](body)


def _compile(path: Path) -> Callable[[Body], list[str]]:
    definition = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    group = definition["spec"]["group"]
    served = {version["name"]: version for version in definition["spec"]["versions"]}
    schema = strict(served[_VERSION_OF_GROUP]["schema"]["openAPIV3Schema"])
    schema["properties"] |= {
        "apiVersion": {"const": f"{group}/{_VERSION_OF_GROUP}"},
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
