"""CRD schemas at work: fill defaults, prune what is unknown, validate; Kubernetes' OpenAPI becomes JSON Schema here."""

import copy
import re
from collections.abc import Sequence
from typing import Any

import jsonschema_rs

from devcluster.apiserver.errors import Body, Cause, invalid_field, quoted, required_field, unsupported_field
from devcluster.apiserver.resources import Resource

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_COPIED = frozenset({
    "enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required",
})  # fmt: skip
_OBJECT_FIELDS = frozenset({"apiVersion", "kind", "metadata"})


class ObjectSchema:
    """The schema of one version of one custom kind; the validator is compiled when first needed."""

    def __init__(self, schema: Body) -> None:
        self._schema = schema
        self._validator: Any = None

    def prune(self, body: Body) -> list[str]:
        """Remove fields that the schema does not know, in place, and give their paths."""
        unknown: list[str] = []
        _prune(body, self._schema, "", unknown, is_object=True)
        return sorted(unknown)

    def fill_defaults(self, body: Body) -> None:
        """Set absent fields that have a default, in place."""
        _fill(body, self._schema)

    def causes(self, body: Body) -> list[Cause]:
        """Validate and give what is wrong, field by field."""
        if self._validator is None:
            self._validator = jsonschema_rs.Draft4Validator(translate(self._schema))
        return [_cause(error) for error in self._validator.iter_errors(body)]

    def list_keys(self, path: Sequence[str]) -> tuple[str, ...]:
        """Give the keys of the `map` list at a path of property names, empty when the list is atomic."""
        node: Any = self._schema
        for name in path:
            if node.get("type") == "array":
                node = node.get("items") or {}
            node = (node.get("properties") or {}).get(name) or node.get("additionalProperties") or {}
            if not isinstance(node, dict):
                return ()
        return tuple(node.get("x-kubernetes-list-map-keys") or ())


class Schemas:
    """Gives the schema of a resource and keeps it while the CRD stays the same."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[Body, ObjectSchema]] = {}

    def of(self, resource: Resource) -> ObjectSchema | None:
        """Give the schema, None for kinds without one."""
        if resource.schema is None:
            return None
        place = (resource.key, resource.version)
        kept = self._made.get(place)
        if kept is None or kept[0] is not resource.schema:
            kept = (resource.schema, ObjectSchema(resource.schema))
            self._made[place] = kept
        return kept[1]


def translate(schema: Body) -> Body:
    """Give the JSON Schema (draft 4) that accepts what a structural schema accepts; unknown fields stay allowed."""
    result: Body = {key: value for key, value in schema.items() if key in _COPIED and value != []}
    result.update(_types(schema))
    if schema.get("properties"):
        result["properties"] = {name: translate(part) for name, part in schema["properties"].items()}
    for word in ("additionalProperties", "items", "not"):
        if isinstance(schema.get(word), dict):
            result[word] = translate(schema[word])
    for word in ("allOf", "anyOf", "oneOf"):
        if schema.get(word) and not schema.get("x-kubernetes-int-or-string"):
            result[word] = [translate(part) for part in schema[word]]
    return result


def _types(schema: Body) -> Body:
    """Give the `type` and, where null is allowed too, the widened `enum`."""
    if schema.get("x-kubernetes-int-or-string"):
        types = ["integer", "string"]
    elif schema.get("type"):
        types = [schema["type"]]
    else:
        return {}
    if not schema.get("nullable"):
        return {"type": types}
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {"type": [*types, "null"], **enum}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _prune(value: Any, schema: Body, path: str, unknown: list[str], *, is_object: bool = False) -> None:
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            _prune(item, schema["items"], f"{path}[{index}]", unknown)
    if not isinstance(value, dict):
        return
    always_known = _OBJECT_FIELDS if is_object or schema.get("x-kubernetes-embedded-resource") else frozenset()
    for name in value.keys() - always_known:
        part = _part(schema, name)
        if part is not None:
            _prune(value[name], part, _join(path, name), unknown)
        elif not schema.get("additionalProperties") and not schema.get(_PRESERVE):
            del value[name]
            unknown.append(_join(path, name))


def _part(schema: Body, name: str) -> Body | None:
    """Give the schema of a field, None for a field that the schema does not describe."""
    known: Body = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    return known.get(name, others if isinstance(others, dict) else None)


def _fill(value: Any, schema: Body) -> None:
    if isinstance(value, list):
        for item in value:
            _fill(item, schema.get("items") or {})
    if not isinstance(value, dict):
        return
    for name, part in (schema.get("properties") or {}).items():
        if name in value and value[name] is None and not part.get("nullable"):
            del value[name]
        if name not in value and "default" in part:
            value[name] = copy.deepcopy(part["default"])
    for name, child in value.items():
        _fill(child, _part(schema, name) or {})


def _path(parts: Sequence[str | int]) -> str:
    text = ""
    for part in parts:
        text = f"{text}[{part}]" if isinstance(part, int) else _join(text, part)
    return text


def _cause(error: Any) -> Cause:
    """Word one violation as the API server does."""
    path, kind, value = _path(list(error.instance_path)), error.kind, error.instance
    if kind.name == "required":
        return required_field(_join(path, kind.property))
    if kind.name == "enum":
        return unsupported_field(path, value, [option for option in kind.options if option is not None])
    if kind.name == "type":
        wanted = next(word for word in kind.types if word != "null")
        why = f"{path} in body must be of type {wanted}: {quoted(value)}"
        return Cause(reason="FieldValueTypeInvalid", field=path, message=f"Invalid value: {_type_of(value)}: {why}")
    return invalid_field(path, value, f"{path} in body {_complaint(kind, error.message)}")


def _complaint(kind: Any, message: str) -> str:
    words = {
        "minimum": "should be greater than or equal to {limit}",
        "maximum": "should be less than or equal to {limit}",
        "minLength": "should be at least {limit} chars long",
        "maxLength": "should be at most {limit} chars long",
        "minItems": "should have at least {limit} items",
        "maxItems": "should have at most {limit} items",
        "pattern": "should match '{pattern}'",
    }
    template = words.get(kind.name)
    if template is None:
        return re.sub(r"^.*? (is|has|does) ", r"\1 ", message, count=1)
    return template.format(**kind.as_dict())


def _type_of(value: object) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return f'"{names.get(type(value), "null")}"'
