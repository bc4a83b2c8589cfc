"""What happens behind a write: garbage collection by owner, emptying of namespaces and of withdrawn kinds.

It follows the store's changes in order and acts as a client would; nothing runs while nothing changes.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Iterable

import orjson

from devcluster.apiserver.errors import ApiError, Body
from devcluster.apiserver.rbac import SUPERUSERS, User
from devcluster.apiserver.registry import CRDS, Registry
from devcluster.apiserver.request import Request
from devcluster.apiserver.store import Event, Key, Store
from devcluster.apiserver.writes import CRD_CLEANUP, FOREGROUND, ORPHAN, Writer

log = logging.getLogger(__name__)
EVENTS_KEPT_FOR = dt.timedelta(hours=1)
COLLECTOR = User(name="system:serviceaccount:kube-system:generic-garbage-collector", groups=(SUPERUSERS,))


class Controllers:
    """Works off changes one by one."""

    def __init__(self, store: Store, registry: Registry, writer: Writer) -> None:
        self._store = store
        self._registry = registry
        self._writer = writer
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        store.on_change(self._queue.put_nowait)

    async def run(self) -> None:
        """Follow changes for ever, after finishing what an earlier run left undone."""
        self._catch_up()
        while True:
            event = await self._queue.get()
            try:
                self._react(event)
            except ApiError as error:
                log.info("Left %s as it is: %s", event.key, error)
            except Exception:
                log.exception("Could not follow the change of %s", event.key)

    def expire_events(self) -> None:
        """Remove Events that nothing has touched for an hour, as the real server does."""
        oldest = (dt.datetime.now(tz=dt.UTC) - EVENTS_KEPT_FOR).strftime("%Y-%m-%dT%H:%M:%SZ")
        for key, stored in self._store.list_objects("events"):
            body = orjson.loads(stored)
            if (body.get("lastTimestamp") or body["metadata"]["creationTimestamp"]) < oldest:
                self._delete(key)

    def _catch_up(self) -> None:
        for uid in self._store.owner_uids():
            if not self._store.has_uid(uid):
                self._collect(uid)
        for resource in ("namespaces", CRDS):
            for key, stored in self._store.list_objects(resource):
                if orjson.loads(stored)["metadata"].get("deletionTimestamp"):
                    self._finish(key)

    def _react(self, event: Event) -> None:
        metadata = orjson.loads(event.body)["metadata"]
        if event.type == "DELETED":
            self._collect(metadata["uid"])
        elif event.type == "ADDED":
            self._settle_in(event.key, metadata)
        elif metadata.get("deletionTimestamp"):
            self._finish(event.key)
        self._continue_deletions(event, metadata)

    def _settle_in(self, key: Key, metadata: Body) -> None:
        """Give a new namespace its account; remove an object whose owners never were."""
        if key.resource == "namespaces":
            account = Key("serviceaccounts", key.name, "default")
            if self._store.get(account) is None:
                self._writer.create(self._request("create", account), {"metadata": {"name": "default"}})
        owners = [owner["uid"] for owner in metadata.get("ownerReferences") or ()]
        if owners and not any(self._store.has_uid(uid) for uid in owners):
            self._delete(key)

    def _continue_deletions(self, event: Event, metadata: Body) -> None:
        """Go on with deletions that waited for this change."""
        namespace = self._store.get(Key("namespaces", "", event.key.namespace)) if event.key.namespace else None
        if namespace and orjson.loads(namespace)["metadata"].get("deletionTimestamp"):
            self._finish(Key("namespaces", "", event.key.namespace))
        if event.type != "DELETED":
            return
        definition = self._store.get(Key(CRDS, "", event.key.resource))
        if definition and orjson.loads(definition)["metadata"].get("deletionTimestamp"):
            self._finish(Key(CRDS, "", event.key.resource))
        for owner in metadata.get("ownerReferences") or ():
            resource = self._registry.of_kind(owner["apiVersion"], owner["kind"])
            if resource is not None:
                scope = event.key.namespace if resource.is_namespaced else ""
                self._finish(Key(resource.key, scope, owner["name"]))

    def _collect(self, uid: str) -> None:
        """Delete or release what a vanished object owned."""
        for key in self._store.owned_by(uid):
            body = self._body(key)
            owners = [owner for owner in body["metadata"]["ownerReferences"] if self._store.has_uid(owner["uid"])]
            if owners:
                self._change(key, body, ownerReferences=owners)
            else:
                self._delete(key)

    def _finish(self, key: Key) -> None:
        """Take a deletion one step further, if the object is being deleted."""
        stored = self._store.get(key)
        metadata = orjson.loads(stored)["metadata"] if stored else {}
        if not metadata.get("deletionTimestamp"):
            return
        finalizers = metadata.get("finalizers") or ()
        if key.resource == "namespaces":
            self._empty_namespace(key)
        elif CRD_CLEANUP in finalizers:
            self._withdraw(key)
        elif FOREGROUND in finalizers:
            self._delete_dependents(key, metadata["uid"])
        elif ORPHAN in finalizers:
            self._orphan_dependents(key, metadata["uid"])

    def _empty_namespace(self, key: Key) -> None:
        for inside in self._store.in_namespace(key.name):
            self._delete(inside)
        body = self._writer.find(self._request("get", key))
        if body and not self._store.in_namespace(key.name) and not body["metadata"].get("finalizers"):
            self._writer.replace(self._request("update", key, "finalize"), body, {**body, "spec": {"finalizers": []}})

    def _withdraw(self, key: Key) -> None:
        instances = [instance for instance, _ in self._store.list_objects(key.name)]
        for instance in instances:
            self._delete(instance)
        if not self._store.list_objects(key.name, limit=1):
            self._drop_finalizer(key, CRD_CLEANUP)

    def _delete_dependents(self, key: Key, uid: str) -> None:
        for dependent in self._store.owned_by(uid):
            self._delete(dependent)
        if not self._store.owned_by(uid):
            self._drop_finalizer(key, FOREGROUND)

    def _orphan_dependents(self, key: Key, uid: str) -> None:
        for dependent in self._store.owned_by(uid):
            body = self._body(dependent)
            owners = [owner for owner in body["metadata"]["ownerReferences"] if owner["uid"] != uid]
            self._change(dependent, body, ownerReferences=owners)
        self._drop_finalizer(key, ORPHAN)

    def _drop_finalizer(self, key: Key, finalizer: str) -> None:
        body = self._body(key)
        left: Iterable[str] = body["metadata"].get("finalizers") or ()
        self._change(key, body, finalizers=[name for name in left if name != finalizer])

    def _change(self, key: Key, body: Body, **metadata: object) -> None:
        request = self._request("update", key)
        self._writer.replace(request, body, {**body, "metadata": {**body["metadata"], **metadata}})

    def _body(self, key: Key) -> Body:
        return self._writer.existing(self._request("get", key))

    def _delete(self, key: Key) -> None:
        """Delete, unless a webhook protects the object: then it is tried again at the next change."""
        stored = self._store.get(key)
        if stored is None or orjson.loads(stored)["metadata"].get("deletionTimestamp"):
            return
        try:
            self._writer.delete(self._request("delete", key), {})
        except ApiError as error:
            log.info("Could not delete %s: %s", key, error)

    def _request(self, verb: str, key: Key, subresource: str = "") -> Request:
        return Request(
            user=COLLECTOR,
            verb=verb,
            resource=self._registry.stored(key.resource),
            namespace=key.namespace,
            name=key.name,
            subresource=subresource,
            query={"fieldManager": "kube-controller-manager", "fieldValidation": "Ignore"},
        )
