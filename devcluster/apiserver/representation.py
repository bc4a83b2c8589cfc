"""How stored objects travel: plain, as a Table for kubectl, or as bare metadata, under the version that was asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from devcluster.apiserver.errors import Body
from devcluster.apiserver.resources import Resource
from devcluster.apiserver.tables import as_table

_AS = re.compile(r"as=(Table|PartialObjectMetadataList|PartialObjectMetadata)\b")
_VERSION = re.compile(r"v=(v1|v1beta1)\b")


@dataclass(frozen=True)
class Representation:
    """The form that a client accepts best."""

    shape: str = ""
    version: str = "v1"
    include: str = "Metadata"

    @property
    def is_plain(self) -> bool:
        """Tell whether objects go out as they are stored."""
        return not self.shape

    def one(self, resource: Resource, stored: bytes) -> Any:
        """Give one object in this form, as bytes where it need not be read."""
        if self.is_plain and resource.version == resource.stored_version:
            return stored
        body = self.body(resource, stored)
        if self.shape == "Table":
            revision = {"resourceVersion": body["metadata"].get("resourceVersion", "")}
            return self.table(resource, [body], revision)
        return self._partial(body) if self.shape else body

    def body(self, resource: Resource, stored: bytes) -> Body:
        """Read an object and set the apiVersion under which it is served."""
        body: Body = orjson.loads(stored)
        body["apiVersion"] = resource.api_version
        return body

    def table(self, resource: Resource, bodies: Sequence[Body], metadata: Body) -> Body:
        """Give objects as a Table."""
        return as_table(resource, bodies, metadata=metadata, include=self.include, version=self.version)

    def listing(self, resource: Resource, bodies: Sequence[Body], metadata: Body) -> Body:
        """Give objects as a list."""
        if self.shape == "Table":
            return self.table(resource, bodies, metadata)
        if self.shape:
            kind, api_version = "PartialObjectMetadataList", f"meta.k8s.io/{self.version}"
            items = [self._partial(body) for body in bodies]
        else:
            kind, api_version, items = resource.list_kind, resource.api_version, list(bodies)
        if not self.shape and not resource.is_custom:
            items = [
                {name: value for name, value in body.items() if name not in ("kind", "apiVersion")} for body in items
            ]
        return {"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items}

    def _partial(self, body: Body) -> Body:
        version = f"meta.k8s.io/{self.version}"
        return {"kind": "PartialObjectMetadata", "apiVersion": version, "metadata": body["metadata"]}


def negotiate(accept: str, include: str) -> Representation:
    """Choose the form from an `Accept` header and the `includeObject` parameter."""
    for choice in accept.split(","):
        if not choice.strip().startswith(("application/json", "*/*")):
            continue
        found = _AS.search(choice)
        if found is None:
            return Representation()
        version = _VERSION.search(choice)
        return Representation(found[1], version[1] if version else "v1", include or "Metadata")
    return Representation()
