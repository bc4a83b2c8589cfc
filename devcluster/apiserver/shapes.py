"""The types that every body must have before any rule looks at it: what the real server finds when it decodes.

Kinds with a schema are checked by `schema`; here are the parts that all objects share, and bodies that are no objects.
"""

from typing import Any

import jsonschema_rs

from devcluster.apiserver.errors import Body, bad_request

_TEXT: Body = {"type": ["string", "null"]}
_FLAG: Body = {"type": ["boolean", "null"]}
_NUMBER: Body = {"type": ["number", "null"]}
_TEXTS: Body = {"type": ["array", "null"], "items": {"type": "string"}}
_TEXT_MAP: Body = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}


def _object(**properties: Body) -> Body:
    return {"type": ["object", "null"], "properties": properties}


def _objects(**properties: Body) -> Body:
    return {"type": ["array", "null"], "items": {**_object(**properties), "type": "object"}}


_OWNERS = _objects(apiVersion=_TEXT, kind=_TEXT, name=_TEXT, uid=_TEXT)
_METADATA = _object(
    name=_TEXT,
    generateName=_TEXT,
    namespace=_TEXT,
    uid=_TEXT,
    resourceVersion=_TEXT,
    labels=_TEXT_MAP,
    annotations=_TEXT_MAP,
    finalizers=_TEXTS,
    ownerReferences=_OWNERS,
    managedFields=_objects(fieldsV1={"type": ["object", "null"]}),
)
_COLUMN = _objects(name=_TEXT, type=_TEXT, jsonPath={"type": "string"}, priority=_NUMBER)
_VERSION = _objects(
    name={"type": "string"},
    served=_FLAG,
    storage=_FLAG,
    schema=_object(openAPIV3Schema=_object()),
    subresources=_object(),
    additionalPrinterColumns=_COLUMN,
)
_NAMES = _object(
    plural={"type": "string"}, kind={"type": "string"}, singular=_TEXT, shortNames=_TEXTS, categories=_TEXTS
)


class Shape:
    """One expectation."""

    def __init__(self, schema: Body, *required: str) -> None:
        self._validator: Any = jsonschema_rs.Draft7Validator({**schema, "type": "object", "required": list(required)})

    def require(self, body: object) -> Body:
        """Give the body when it has the shape.

        Raises: ApiError — 400, naming the first field of a wrong type.
        """
        for error in self._validator.iter_errors(body):
            field = ".".join(str(part) for part in error.instance_path)
            raise bad_request(f"json: cannot unmarshal the body: {field or 'the whole'}: {error.message}")
        assert isinstance(body, dict)  # noqa: S101 — the schema says so; this tells the type checker
        return body


OBJECT = Shape(_object(apiVersion=_TEXT, kind=_TEXT, metadata=_METADATA))
DELETE_OPTIONS = Shape(
    _object(
        propagationPolicy=_TEXT,
        orphanDependents=_FLAG,
        gracePeriodSeconds=_NUMBER,
        dryRun=_TEXTS,
        preconditions=_object(uid=_TEXT, resourceVersion=_TEXT),
    )
)
_ATTRIBUTES = dict.fromkeys(("verb", "group", "resource", "subresource", "namespace", "name", "version"), _TEXT)
REVIEW = Shape(_object(spec=_object(resourceAttributes=_object(**_ATTRIBUTES))))
TOKEN_REQUEST = Shape(_object(spec=_object(expirationSeconds=_NUMBER)))
FAULT = Shape(
    _object(
        fault={"type": "string"},
        seconds={"type": "number"},
        retry_after={"type": ["integer", "null"]},
        match=_object(nth={"type": "integer"}, every={"type": "boolean"}, now={"type": "boolean"}),
    ),
    "fault",
)
DEFINITION = Shape(
    _object(
        spec={
            "type": "object",
            "required": ["group", "names", "scope", "versions"],
            "properties": {
                "group": {"type": "string"},
                "scope": {"enum": ["Namespaced", "Cluster"]},
                "names": {**_NAMES, "type": "object", "required": ["plural", "kind"]},
                "versions": {**_VERSION, "type": "array"},
            },
        }
    ),
    "spec",
)
