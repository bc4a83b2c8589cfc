"""A Kubernetes API server in memory, behind our own gateway: same paths, queries and bodies, same refusals, a few microseconds a call.

It keeps what our code relies on: uids, generations, one rising resourceVersion, preconditions, finalizers, owners, namespaces. It has no
schemas, no admission rules beyond KubeDB's defaults, no watches, no pages of lists, no logs and no proxy: what asks for one of those is told
so. `test_simulated_cluster` holds it against the pocket cluster, so that it cannot lie unnoticed. All of it is deterministic.
"""

import base64
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import in_transaction
from devcluster.apiserver.admission import _default_database
from devcluster.apiserver.errors import MODIFIED_MEANWHILE, ApiError, already_exists, conflict, forbidden, not_found
from devcluster.apiserver.services import NODE_PORTS
from devcluster.apiserver.writes import FOREGROUND
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.errors import CalledInTransaction, error_from
from provisioning.engine import Body
from tests.proof.simulated_objects import Address, Change, Objects, address_in, merged, namespace_path

Hook = Callable[[str, str], None]

_APPLY = "application/apply-patch+yaml"
_WITHOUT_STATUS = frozenset({"secrets", "configmaps", "events"})
_SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)


class NotSimulated(NotImplementedError):
    """The simulated cluster cannot do this: test it against the pocket cluster."""


class SimulatedCluster(Gateway):
    """One cluster and the gateway to it: give the same one to everybody who is to see the same cluster."""

    def __init__(self, *, is_in_transaction: Callable[[], bool] = in_transaction) -> None:
        super().__init__(Reach(), is_in_transaction=is_in_transaction)
        self.calls: Counter[str] = Counter()
        """By verb: get, list, create, merge, apply, delete."""
        self.before_call: Hook | None = None
        """Called with verb and path of the object before the effect: what it raises is the answer, and nothing has happened."""
        self.after_call: Hook | None = None
        """Called after the effect: what it raises is the answer, although everything has happened."""
        self.collects_at_once = True
        """False: what was deleted lingers until `collect` is called, as it does for a while in a real cluster."""
        self._objects = Objects()
        self._effect = threading.RLock()

    @property
    def history(self) -> list[Change]:
        """Return every creation, change and deletion, in order."""
        return self._objects.history

    def objects(self) -> Iterator[Body]:
        """Yield every object as stored: not to be changed."""
        return iter(self._objects)

    def collect(self) -> None:
        """Let the garbage collector finish its work."""
        with self._effect:
            self._objects.collect(_timestamp())

    def state(self) -> Objects:
        """Return what there is now, for `restore`."""
        return self._objects.copy()

    def restore(self, state: Objects) -> None:
        """Make everything as it was when that state was taken."""
        self._objects = state.copy()

    def _send(self, *_: Any, **how: Any) -> Any:
        raise NotSimulated(str(how.get("action", "")))

    def _json(self, verb: str, path: str, *, action: str, **how: Any) -> Body:
        if self._is_in_transaction():
            raise CalledInTransaction(f"{action}: {CalledInTransaction.__doc__}")
        if path == "/version":
            return {"gitVersion": "v1.35.0"}
        call, address = _meant(verb, address_in(path), how)
        self.calls[call] += 1
        try:
            if self.before_call is not None:
                self.before_call(call, address.path)
            with self._effect:
                answer = orjson.dumps(self._answer(call, address, how))
            if self.after_call is not None:
                self.after_call(call, address.path)
        except ApiError as error:
            refusal = orjson.dumps(error.as_status())
            raise error_from(error.code, error.reason, refusal, error.headers, action) from None
        found: Body = orjson.loads(answer)
        return found

    def _answer(self, call: str, address: Address, how: Mapping[str, Any]) -> Body:
        if call == "get":
            return self._existing(address)
        if call == "list":
            return self._list(address, how.get("query") or {})
        sent: Body = orjson.loads(orjson.dumps(how["body"]))
        effects: dict[str, Callable[[Address, Body], Body]] = {
            "create": self._create,
            "merge": self._merge,
            "apply": self._apply,
            "delete": self._delete,
        }
        answer = effects[call](address, sent)
        if self.collects_at_once and not self._objects.is_settled:
            self._objects.collect(_timestamp())
        return answer

    def _existing(self, address: Address) -> Body:
        found = self._objects.get(address.path)
        if found is None:
            raise not_found(address.plural, address.group, address.name)
        return found

    def _list(self, address: Address, query: Mapping[str, str]) -> Body:
        if query.get("fieldSelector"):
            raise NotSimulated("a field selector")
        wanted = [term.partition("=") for term in query.get("labelSelector", "").split(",") if term]
        found = []
        for (namespace, _), path in self._objects.paths_in(address.collection):
            body = self._objects.get(path)
            assert body is not None
            if address.namespace in ("", namespace) and _fits(body, wanted):
                found.append(body)
        return {"metadata": {"resourceVersion": str(self._objects.revision)}, "items": found}

    def _create(self, address: Address, new: Body) -> Body:
        if address.namespace:
            self._require_namespace(address)
        if self._objects.get(address.path) is not None:
            raise already_exists(address.plural, address.group, address.name)
        if address.plural not in _WITHOUT_STATUS:
            new.pop("status", None)
        dropped = {*_SERVER_OWNED, "resourceVersion", "managedFields"}
        metadata = {name: value for name, value in new["metadata"].items() if name not in dropped}
        metadata |= {"uid": self._objects.new_uid(), "creationTimestamp": _timestamp()}
        if "." in address.group:
            metadata["generation"] = 1
        return self._objects.put(address.path, self._complete(address, {**new, "metadata": metadata}))

    def _require_namespace(self, address: Address) -> None:
        found = self._objects.get(namespace_path(address.namespace))
        if found is None:
            raise not_found("namespaces", "", address.namespace)
        if found["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {address.namespace} because it is being terminated"
            raise forbidden(address.plural, address.group, address.name, why)

    def _merge(self, address: Address, change: Body) -> Body:
        old = self._existing(address)
        return self._replace(address, old, merged(old, change), change.get("metadata") or {})

    def _apply(self, address: Address, wanted: Body) -> Body:
        old = self._objects.get(address.path)
        if old is None:
            made = self._create(address, wanted)
        else:
            before = self._objects.applied.get(old["metadata"]["uid"], {})
            kept = _without_dropped(old, before, wanted)
            made = self._replace(address, old, merged(kept, wanted), wanted["metadata"])
        self._objects.applied[made["metadata"]["uid"]] = wanted
        return made

    def _replace(self, address: Address, old: Body, new: Body, sent: Mapping[str, Any]) -> Body:
        stored = old["metadata"]
        if sent.get("resourceVersion") not in (None, stored["resourceVersion"]):
            raise conflict(address.plural, address.group, address.name, MODIFIED_MEANWHILE)
        if sent.get("uid") not in (None, stored["uid"]):
            why = f"Precondition failed: UID in precondition: {sent['uid']}, UID in object meta: {stored['uid']}"
            raise conflict(address.plural, address.group, address.name, why)
        if address.subresource == "status":
            new = {**{name: value for name, value in old.items() if name != "status"}, "status": new.get("status")}
        else:
            new = self._complete(address, _own_part(address, old, new))
            if "generation" in stored and _spec_of(old) != _spec_of(new):
                new = {**new, "metadata": {**new["metadata"], "generation": stored["generation"] + 1}}
        return old if new == old else self._objects.put(address.path, new)

    def _delete(self, address: Address, options: Body) -> Body:
        old = self._existing(address)
        wanted, actual = (options.get("preconditions") or {}).get("uid"), old["metadata"]["uid"]
        if wanted not in (None, actual):
            why = f"the UID in the precondition ({wanted}) does not match the UID in record ({actual})"
            raise conflict(address.plural, address.group, address.name, why)
        finalizer = FOREGROUND if options.get("propagationPolicy") == "Foreground" else ""
        self._objects.leave(address.path, _timestamp(), finalizer=finalizer)
        return old

    def _complete(self, address: Address, body: Body) -> Body:
        """Fill in what the server or KubeDB's webhook would."""
        if address.group == "kubedb.com":
            spec = dict(body.get("spec") or {})
            _default_database(body["kind"], spec)
            return {**body, "spec": spec}
        complete = {"secrets": _secret, "namespaces": _namespace, "services": self._service}.get(address.plural)
        return complete(body) if complete is not None and not address.group else body

    def _service(self, body: Body) -> Body:
        spec = {"type": "ClusterIP", **body["spec"]}
        if spec["type"] != "ClusterIP":
            taken = {port.get("nodePort", 0) for port in self._ports_of_others(body["metadata"]["uid"])}
            spec["ports"] = [_with_node_port(port, taken) for port in spec.get("ports") or ()]
        return {**body, "spec": spec}

    def _ports_of_others(self, uid: str) -> Iterator[Body]:
        for _, path in self._objects.paths_in("/api/v1/services"):
            body = self._objects.get(path)
            if body is not None and body["metadata"]["uid"] != uid:
                yield from body["spec"].get("ports") or ()


def _meant(verb: str, address: Address, how: Mapping[str, Any]) -> tuple[str, Address]:
    """Return the call by its name in the gateway, and the object that it is about."""
    if verb == "GET":
        return ("get" if address.name else "list"), address
    if verb == "POST":
        return "create", address.of(how["body"]["metadata"]["name"])
    if verb == "PATCH":
        return ("apply" if how["content_type"] == _APPLY else "merge"), address
    return "delete", address


def _without_dropped(live: Body, before: Body, now: Body) -> Body:
    """Return the object without the fields that its owner applied before and applies no more."""
    result = {name: value for name, value in live.items() if name not in before or name in now}
    for name, value in before.items():
        if isinstance(value, dict) and isinstance(now.get(name), dict) and isinstance(result.get(name), dict):
            result[name] = _without_dropped(result[name], value, now[name])
    return result


def _own_part(address: Address, old: Body, new: Body) -> Body:
    """Return the change without what only the server, or the status' own address, may write."""
    result = dict(new)
    if address.plural not in _WITHOUT_STATUS:
        result.pop("status", None)
        result |= {"status": old["status"]} if "status" in old else {}
    metadata = {name: value for name, value in new["metadata"].items() if name not in _SERVER_OWNED}
    kept = (*_SERVER_OWNED, "resourceVersion")
    result["metadata"] = metadata | {name: old["metadata"][name] for name in kept if name in old["metadata"]}
    return result


def _spec_of(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in ("metadata", "status", "apiVersion", "kind")}


def _fits(body: Body, terms: list[tuple[str, str, str]]) -> bool:
    labels = body["metadata"].get("labels") or {}
    return all(name in labels and (not sign or labels[name] == value) for name, sign, value in terms)


def _secret(body: Body) -> Body:
    strings = body.get("stringData") or {}
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in strings.items()}
    rest = {name: value for name, value in body.items() if name != "stringData"}
    return {"type": "Opaque", **rest, "data": {**(body.get("data") or {}), **encoded}}


def _namespace(body: Body) -> Body:
    metadata = body["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    spec = {"finalizers": ["kubernetes"], **(body.get("spec") or {})}
    return {"status": {"phase": "Active"}, **body, "metadata": {**metadata, "labels": labels}, "spec": spec}


def _with_node_port(port: Body, taken: set[int]) -> Body:
    number = port.get("nodePort") or next(one for one in NODE_PORTS if one not in taken)
    taken.add(number)
    return {**port, "nodePort": number}


def _timestamp() -> str:
    return SYSTEM_CLOCK.now().strftime("%Y-%m-%dT%H:%M:%SZ")
