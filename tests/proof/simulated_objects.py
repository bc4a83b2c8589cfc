"""What a simulated cluster holds: objects by path, their order of change, and the garbage collector. It knows no HTTP and no verbs.

A stored body is never changed in place, only replaced, so that the history shares its parts and costs next to nothing.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

from devcluster.apiserver.writes import FOREGROUND
from provisioning.engine import Body


@dataclass(frozen=True)
class Address:
    """What the path of a request names."""

    root: str
    """Such as `/apis/kubedb.com/v1`."""
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @cached_property
    def group(self) -> str:
        """Return the API group, which the core has none of."""
        return self.root.split("/")[2] if self.root.startswith("/apis/") else ""

    @cached_property
    def collection(self) -> str:
        """Return the path of all objects of this kind, in whatever namespace."""
        return f"{self.root}/{self.plural}"

    def of(self, name: str) -> "Address":
        """Return the address of the object of that name in this collection."""
        return address_in(f"{self.path}/{name}")

    @cached_property
    def path(self) -> str:
        """Return the object's path, or that of the collection, without a sub-resource."""
        scope = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"{self.root}{scope}/{self.plural}" + (f"/{self.name}" if self.name else "")


@lru_cache(maxsize=4096)
def address_in(path: str) -> Address:
    """Return what the path names."""
    parts = path.strip("/").split("/")
    depth = 2 if parts[0] == "api" else 3
    root, rest = "/" + "/".join(parts[:depth]), parts[depth:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] != "status":
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *_ = [*rest, "", ""]
    return Address(root, plural, namespace, name, subresource)


def namespace_path(name: str) -> str:
    """Return the path of the namespace of that name."""
    return f"/api/v1/namespaces/{name}"


def merged(target: Any, change: Any) -> Any:
    """Return what a merge patch makes of the target (RFC 7386), which stays as it is."""
    if not isinstance(change, dict):
        return change
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one object; `verb` is created, changed or deleted, `body` what it was left as."""

    verb: str
    path: str
    uid: str
    body: Body


class Objects:
    """The objects of one cluster."""

    def __init__(self) -> None:
        self.revision = 0
        self.history: list[Change] = []
        self.applied: dict[str, Body] = {}
        """What was applied last to the object of that uid."""
        self._by_path: dict[str, Body] = {}
        self._collections: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
        self._uids: set[str] = set()
        self._made = 0
        self._owned: dict[str, set[str]] = defaultdict(set)
        self._leaving: dict[str, None] = {}
        self._bereft: dict[str, None] = {}

    def copy(self) -> "Objects":
        """Return a cluster in the same state, with which something else may happen."""
        twin = Objects()
        twin.revision, twin._made = self.revision, self._made
        twin.history, twin._uids = list(self.history), set(self._uids)
        twin.applied, twin._by_path = dict(self.applied), dict(self._by_path)
        twin._collections.update({kind: dict(paths) for kind, paths in self._collections.items()})
        twin._owned.update({uid: set(paths) for uid, paths in self._owned.items()})
        twin._leaving, twin._bereft = dict(self._leaving), dict(self._bereft)
        return twin

    def __iter__(self) -> Iterator[Body]:
        return iter(list(self._by_path.values()))

    def get(self, path: str) -> Body | None:
        """Return the stored body itself, which nobody may change, or None."""
        return self._by_path.get(path)

    def paths_in(self, collection: str) -> list[tuple[tuple[str, str], str]]:
        """Return namespace, name and path of the collection's objects, in the order of a list."""
        return sorted(self._collections[collection].items())

    def new_uid(self) -> str:
        """Return the next uid: the same ones in every run."""
        self._made += 1
        return str(UUID(int=self._made, version=4))

    def put(self, path: str, body: Body) -> Body:
        """Store the body under the next resourceVersion and return it; one that leaves and waits for nothing is gone with that."""
        metadata = body["metadata"]
        before = self._by_path.get(path)
        is_gone = "deletionTimestamp" in metadata and not metadata.get("finalizers") and not self._waits(body)
        self.revision += 1
        stored = {**body, "metadata": {**metadata, "resourceVersion": str(self.revision)}}
        self._leaving.pop(path, None)
        if is_gone:
            self._forget(path, stored)
            return stored
        if "deletionTimestamp" in metadata:
            self._leaving[path] = None
        self._keep(path, stored, before)
        self.history.append(Change("changed" if before else "created", path, metadata["uid"], stored))
        return stored

    def _waits(self, body: Body) -> bool:
        """Tell whether this is a namespace with something in it."""
        if body.get("kind") != "Namespace":
            return False
        return bool(self._inside(body["metadata"]["name"]))

    def _inside(self, namespace: str) -> list[str]:
        return [path for path in self._by_path if address_in(path).namespace == namespace]

    def _keep(self, path: str, stored: Body, before: Body | None) -> None:
        metadata, address = stored["metadata"], address_in(path)
        self._by_path[path] = stored
        self._collections[address.collection][address.namespace, address.name] = path
        self._uids.add(metadata["uid"])
        for owner in before["metadata"].get("ownerReferences") or () if before else ():
            self._owned[owner["uid"]].discard(path)
        owners = [owner["uid"] for owner in metadata.get("ownerReferences") or ()]
        for uid in owners:
            self._owned[uid].add(path)
        if owners and not any(uid in self._uids for uid in owners):
            self._bereft[path] = None

    def _forget(self, path: str, last: Body) -> None:
        uid, address = last["metadata"]["uid"], address_in(path)
        if self._by_path.pop(path, None) is None:
            return
        del self._collections[address.collection][address.namespace, address.name]
        self._uids.discard(uid)
        for owner in last["metadata"].get("ownerReferences") or ():
            self._owned[owner["uid"]].discard(path)
        for dependent in sorted(self._owned.pop(uid, ())):
            owners = self._by_path[dependent]["metadata"]["ownerReferences"]
            if not any(owner["uid"] in self._uids for owner in owners):
                self._bereft[dependent] = None
        self._bereft.pop(path, None)
        self.history.append(Change("deleted", path, uid, last))

    @property
    def is_settled(self) -> bool:
        """Tell whether the garbage collector has nothing to do."""
        return not self._bereft and not self._leaving

    def leave(self, path: str, at: str, *, finalizer: str = "") -> None:
        """Let the object go as soon as its finalizers, and this one, are gone."""
        body = self._by_path[path]
        metadata = dict(body["metadata"])
        finalizers = list(metadata.get("finalizers") or ())
        if finalizer and finalizer not in finalizers:
            finalizers.append(finalizer)
        metadata["finalizers"] = finalizers
        if "deletionTimestamp" not in metadata:
            metadata |= {"deletionTimestamp": at, "deletionGracePeriodSeconds": 0}
            if "generation" in metadata:
                metadata["generation"] += 1
        elif finalizers == list(body["metadata"].get("finalizers") or ()):
            return
        if not finalizers:
            del metadata["finalizers"]
        status = {"status": {"phase": "Terminating"}} if body.get("kind") == "Namespace" else {}
        self.put(path, {**body, **status, "metadata": metadata})

    def collect(self, at: str) -> None:
        """Do what the garbage collector and the namespace controller would do in time, until nothing is left to do."""
        while self._bereft or self._leaving:
            before = self.revision
            for path in list(self._bereft):
                del self._bereft[path]
                if path in self._by_path:
                    self.leave(path, at)
            for path in list(self._leaving):
                self._go_on(path, at)
            if self.revision == before:
                return

    def _go_on(self, path: str, at: str) -> None:
        body = self._by_path.get(path)
        if body is None:
            return
        if body.get("kind") == "Namespace":
            for inside in self._inside(body["metadata"]["name"]):
                self.leave(inside, at)
            if not self._waits(body):
                self.put(path, {**body, "metadata": _without_finalizers(body["metadata"])})
            return
        finalizers = body["metadata"].get("finalizers") or ()
        if FOREGROUND not in finalizers:
            return
        for dependent in sorted(self._owned.get(body["metadata"]["uid"], ())):
            self.leave(dependent, at)
        if not self._owned.get(body["metadata"]["uid"]):
            left = [name for name in finalizers if name != FOREGROUND]
            metadata = {**body["metadata"], "finalizers": left}
            self.put(path, {**body, "metadata": metadata})


def _without_finalizers(metadata: Body) -> Body:
    return {name: value for name, value in metadata.items() if name != "finalizers"}
