"""PATCH: turns each of the four patch types into a plain replacement, or, for server-side apply, into a creation."""

from collections.abc import Callable
from typing import Any

import orjson
import yaml

from devcluster.apiserver import fields, patches, shapes
from devcluster.apiserver.errors import Body, bad_request, unsupported_media_type
from devcluster.apiserver.request import Request
from devcluster.apiserver.writes import Writer

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY = ("application/apply-patch+yaml", "application/apply-patch+json")

_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    JSON_PATCH: patches.json_patch,
    MERGE_PATCH: patches.merge_patch,
    STRATEGIC_PATCH: patches.strategic_merge,
}


def parse_json(raw: bytes) -> Any:
    """Read a JSON body.

    Raises: ApiError — 400.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error


def parse_yaml(raw: bytes) -> Any:
    """Read a YAML body, of which JSON is a part.

    Raises: ApiError — 400.
    """
    try:
        return yaml.load(raw, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error


def patch(writer: Writer, request: Request, content_type: str, raw: bytes) -> tuple[Body, bool]:
    """Apply a patch; give the object and whether it was created.

    Raises: ApiError — 415 for a type that the kind does not have, 404, 409, 422.
    """
    if content_type in APPLY:
        return _apply(writer, request, raw)
    merge = _MERGES.get(content_type)
    if merge is None or (content_type == STRATEGIC_PATCH and request.resource.is_custom):
        strategic = [] if request.resource.is_custom else [STRATEGIC_PATCH]
        raise unsupported_media_type([JSON_PATCH, MERGE_PATCH, *strategic, APPLY[0]])
    change = parse_json(raw)
    old = writer.existing(request)
    served = {**old, "apiVersion": request.resource.api_version}
    try:
        new = merge(served, change)
    except (AttributeError, TypeError) as error:
        # A strategic patch takes the types of built-in kinds for granted; here the object or the patch has others.
        raise bad_request(f"the patch does not fit the object: {error}") from error
    if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
        raise bad_request("the patch does not leave an object")
    return writer.replace(request, old, new), False


def _apply(writer: Writer, request: Request, raw: bytes) -> tuple[Body, bool]:
    if not request.query.get("fieldManager"):
        raise bad_request(
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
    wanted = shapes.OBJECT.require(parse_yaml(raw))
    if not wanted.get("apiVersion") or not wanted.get("kind"):
        raise bad_request("the applied configuration needs apiVersion and kind")
    if (wanted.get("metadata") or {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    wanted = {**_own_part(request, wanted), "metadata": dict(wanted.get("metadata") or {})}
    stored = writer.find(request)
    if stored is None and request.subresource:
        raise request.missing()
    live = stored or _seed(request, wanted)
    given_version = wanted["metadata"].pop("resourceVersion", None)
    result = fields.apply(
        {**live, "apiVersion": request.resource.api_version},
        wanted,
        owner=request.field_manager,
        subresource=request.subresource,
        is_forced=request.is_true("force"),
        list_keys=writer.list_keys(request),
    )
    if stored is None:
        return writer.create(request, result, is_apply=True), True
    if given_version:
        result["metadata"]["resourceVersion"] = given_version
    return writer.replace(request, stored, result, is_apply=True), False


def _own_part(request: Request, wanted: Body) -> Body:
    """Drop what this path does not write, so that nobody comes to own it."""
    if request.subresource == "status":
        return {name: wanted[name] for name in ("apiVersion", "kind", "status") if name in wanted}
    if request.resource.has_status:
        return {name: value for name, value in wanted.items() if name != "status"}
    return wanted


def _seed(request: Request, wanted: Body) -> Body:
    """Give the empty object onto which a first apply is merged."""
    return {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": {"name": request.name}}
