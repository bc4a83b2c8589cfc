"""Create, update, patch and delete: the life cycle that every object shares. Kind rules are in `kinds` and `admission`."""

import copy
import datetime as dt
import uuid
from typing import Any

import orjson

from devcluster.apiserver import fields, names, preconditions, shapes
from devcluster.apiserver.admission import Admission
from devcluster.apiserver.errors import (
    Body,
    Cause,
    already_exists,
    bad_request,
    forbidden,
    forbidden_field,
    invalid,
    invalid_field,
    not_found,
)
from devcluster.apiserver.kinds import Kinds
from devcluster.apiserver.registry import CRDS
from devcluster.apiserver.request import IGNORE, STRICT, Request
from devcluster.apiserver.schema import Schemas
from devcluster.apiserver.store import Key, Store

_SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
CRD_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


def timestamp() -> str:
    """Give the present moment as Kubernetes writes it."""
    return dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Writer:
    """Changes objects; every method is one atomic step of the single event loop."""

    def __init__(self, store: Store, schemas: Schemas, kinds: Kinds, admission: Admission) -> None:
        self._store = store
        self._schemas = schemas
        self._kinds = kinds
        self._admission = admission

    def create(self, request: Request, body: Body, *, is_apply: bool = False) -> Body:
        """Store a new object and give it back as stored.

        Raises: ApiError — for everything that the real server refuses.
        """
        new = self._received(request, body)
        metadata = new["metadata"]
        if metadata.get("generateName") and not metadata.get("name"):
            metadata["name"] = names.generated(metadata["generateName"])
        self._require_namespace(request, metadata.get("name") or "")
        names.require_valid(request.resource, new)
        key = Key(request.resource.key, request.namespace, metadata["name"])
        if self._store.get(key) is not None:
            raise already_exists(request.resource.plural, request.resource.group, key.name)
        if request.resource.has_status:
            new.pop("status", None)
        new["metadata"] = _born(request, metadata, is_apply=is_apply)
        self._check(request, None, new)
        if not is_apply:
            self._record_owner(request, None, new)
        if request.is_dry_run:
            return new
        return self._store.put(key, new)

    def update(self, request: Request, body: Body) -> Body:
        """Replace an object by what the client sent and give the result.

        Raises: ApiError — for everything that the real server refuses.
        """
        new = self._received(request, body)
        old = self.existing(request)
        if request.resource.is_custom and not new["metadata"].get("resourceVersion"):
            cause = invalid_field("metadata.resourceVersion", "0x0", "must be specified for an update")
            raise invalid(request.resource.kind, request.resource.group, request.name, [cause])
        return self.replace(request, old, new)

    def existing(self, request: Request) -> Body:
        """Give the stored object, under the apiVersion that it is stored with.

        Raises: ApiError — 404.
        """
        body = self.find(request)
        if body is None:
            raise request.missing()
        return body

    def find(self, request: Request) -> Body | None:
        """Give the stored object, or None."""
        stored = self._store.get(request.key)
        return orjson.loads(stored) if stored is not None else None

    def replace(self, request: Request, old: Body, new: Body, *, is_apply: bool = False) -> Body:
        """Bring an object from one state to another; a change of nothing writes nothing."""
        preconditions.require_unmoved(request, old, shapes.OBJECT.require(new))
        new = self._only_own_part(request, old, new)
        names.require_valid(request.resource, new)
        self._check(request, old, new)
        if not is_apply:
            self._record_owner(request, old, new)
        if self._is_spec_changed(request, old, new):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        if new == old or request.is_dry_run:
            return new
        metadata = new["metadata"]
        is_empty_namespace = request.subresource == "finalize" and not new["spec"].get("finalizers")
        may_go = request.resource.key != "namespaces" or is_empty_namespace
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers") and may_go:
            return self._store.remove(request.key, new)
        return self._store.put(request.key, new)

    def delete(self, request: Request, options: Body) -> tuple[Body, bool]:
        """Delete an object; give its last state and whether it is gone (else finalizers hold it).

        Raises: ApiError — 404, 409 for a precondition, 403 from admission.
        """
        old = self.existing(request)
        preconditions.require_met(request, old, options.get("preconditions") or {})
        self._admission.check_delete(request, old)
        new = copy.deepcopy(old)
        metadata = new["metadata"]
        added = _propagation_finalizer(options)
        if added and added not in (metadata.get("finalizers") or ()):
            metadata["finalizers"] = [*(metadata.get("finalizers") or ()), added]
        if not metadata.get("finalizers") and request.resource.key != "namespaces":
            return (old if request.is_dry_run else self._store.remove(request.key, old)), True
        if not metadata.get("deletionTimestamp"):
            metadata["deletionTimestamp"] = timestamp()
            metadata["deletionGracePeriodSeconds"] = 0
            if request.resource.counts_generation:
                metadata["generation"] = metadata.get("generation", 0) + 1
        self._kinds.prepare(request.resource.key, old, new)
        return (new if new == old or request.is_dry_run else self._store.put(request.key, new)), False

    def _received(self, request: Request, body: Any) -> Body:
        """Copy what a client sent and check that it is what the path says."""
        resource = request.resource
        body = shapes.OBJECT.require(body)
        new = {**body, "metadata": dict(body.get("metadata") or {})}
        for field, wanted in (("apiVersion", resource.api_version), ("kind", resource.kind)):
            if new.setdefault(field, wanted) != wanted:
                sent = f"{body.get('apiVersion')}, Kind={body.get('kind')}"
                raise bad_request(f"the API version and kind in the data ({sent}) do not match the request")
        given = new["metadata"].get("namespace")
        if given and given != request.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        if request.namespace:
            new["metadata"]["namespace"] = request.namespace
        name = new["metadata"].setdefault("name", request.name) if request.name else ""
        if request.name and name != request.name:
            raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({request.name})")
        return new

    def _require_namespace(self, request: Request, name: str) -> None:
        if not request.namespace:
            return
        stored = self._store.get(Key("namespaces", "", request.namespace))
        if stored is None:
            raise not_found("namespaces", "", request.namespace)
        if orjson.loads(stored)["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {request.namespace} because it is being terminated"
            being = f"namespace {request.namespace} is being terminated"
            cause = Cause(reason="NamespaceTerminating", field="metadata.namespace", message=being)
            raise forbidden(request.resource.plural, request.resource.group, name, why, causes=[cause])

    def _only_own_part(self, request: Request, old: Body, new: Body) -> Body:
        """Keep status writes off the rest, other writes off the status, and all off what the server owns."""
        if request.subresource == "status":
            kept = ("managedFields",) if "managedFields" in new["metadata"] else ()
            metadata = {**old["metadata"], **{name: new["metadata"][name] for name in kept}}
            result = {**copy.deepcopy(old), "metadata": copy.deepcopy(metadata)}
            result.pop("status", None)
            return {**result, "status": copy.deepcopy(new["status"])} if "status" in new else result
        result = copy.deepcopy(new)
        if request.resource.has_status:
            result.pop("status", None)
            if "status" in old:
                result["status"] = copy.deepcopy(old["status"])
        metadata = result["metadata"]
        for name in (*_SERVER_OWNED, "resourceVersion"):
            metadata.pop(name, None)
            if name in old["metadata"]:
                metadata[name] = old["metadata"][name]
        return result

    def _check(self, request: Request, old: Body | None, new: Body) -> None:
        """Run schema, admission and kind rules, in the order of the real server."""
        resource = request.resource
        schema = self._schemas.of(resource)
        if schema is not None:
            unknown = schema.prune(new)
            if unknown and request.field_validation != IGNORE:
                self._report_unknown(request, unknown)
            schema.fill_defaults(new)
        causes = schema.causes(new) if schema is not None else []
        if old is not None and old["metadata"].get("deletionTimestamp"):
            added = set(new["metadata"].get("finalizers") or ()) - set(old["metadata"].get("finalizers") or ())
            if added:
                causes.append(
                    forbidden_field(
                        "metadata.finalizers", "no new finalizers can be added if the object is being deleted"
                    )
                )
        if causes:
            raise invalid(resource.kind, resource.group, new["metadata"]["name"], causes)
        self._admission.mutate(request, new)
        self._kinds.prepare(resource.key, old, new)
        self._admission.validate(request, old, new)
        new["apiVersion"] = f"{resource.group}/{resource.stored_version}" if resource.group else resource.version

    def _report_unknown(self, request: Request, unknown: list[str]) -> None:
        texts = [f'unknown field "{path}"' for path in unknown]
        if request.field_validation != STRICT:
            request.warnings.extend(texts)
            return
        why = "strict decoding error: " + ", ".join(texts)
        if request.verb == "patch":
            raise invalid("", "", "", [invalid_field("patch", "the patch", why)])
        kind = request.resource.kind
        raise bad_request(f'{kind} in version "{request.resource.version}" cannot be handled as a {kind}: {why}')

    def list_keys(self, request: Request) -> fields.ListKeys:
        """Give the rule that tells which lists of this kind merge item by item."""
        schema = self._schemas.of(request.resource)
        if schema is None:
            return fields.built_in_keys

        def keys(path: fields.Path, item: Any) -> tuple[str, ...]:
            if path[0] == "f:metadata":
                return fields.built_in_keys(path, item)
            return schema.list_keys([token.removeprefix("f:") for token in path if token.startswith("f:")])

        return keys

    def _record_owner(self, request: Request, old: Body | None, new: Body) -> None:
        fields.record_update(
            old,
            new,
            owner=request.field_manager,
            subresource=request.subresource,
            list_keys=self.list_keys(request),
        )

    def _is_spec_changed(self, request: Request, old: Body, new: Body) -> bool:
        if not request.resource.counts_generation or request.subresource == "status":
            return False
        outside = {"metadata", "apiVersion", "kind", *(("status",) if request.resource.has_status else ())}
        return any(old.get(name) != new.get(name) for name in (old.keys() | new.keys()) - outside)


def _born(request: Request, sent: Body, *, is_apply: bool) -> Body:
    """Give the metadata of a new object: what the client may choose, and what the server adds."""
    dropped = {*_SERVER_OWNED, "resourceVersion", *(() if is_apply else ("managedFields",))}
    metadata = {name: value for name, value in sent.items() if name not in dropped}
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = timestamp()
    if request.resource.counts_generation:
        metadata["generation"] = 1
    if request.resource.key == CRDS:
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), CRD_CLEANUP]
    return metadata


def _propagation_finalizer(options: Body) -> str | None:
    policy = options.get("propagationPolicy")
    if policy not in {None, "Background", "Foreground", "Orphan"}:
        raise bad_request(f'invalid propagationPolicy "{policy}"')
    if policy == "Foreground":
        return FOREGROUND
    return ORPHAN if policy == "Orphan" or options.get("orphanDependents") else None
