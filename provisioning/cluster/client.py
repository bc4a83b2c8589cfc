"""A narrow gateway to one Kubernetes cluster on plain dicts: one attempt per call, real timeouts, our own errors.

The client library is made lazily in each process and thread-safe within it; a process that forks makes a new one (sockets must not be
shared). Retrying is the operation's business, not the library's, whose retries hide a minute inside one call.
"""

import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

from dbaas.core.redaction import redact
from provisioning.cluster.errors import CalledInTransaction, ClusterLogin, ClusterUnavailable, ObjectMissing, error_from
from provisioning.cluster.kinds import Kind, Ref, ref_of
from provisioning.cluster.limits import Limits
from provisioning.cluster.timing import Call
from provisioning.engine import Body

CONNECT_SECONDS = 3
READ_SECONDS = 10
FIELD_MANAGER = "dbaas"
_PAGE = 500
_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How a cluster is reached: a kubeconfig file and a context in it, or (no file) the configuration of the pod we run in."""

    kubeconfig_path: str = ""
    context: str = ""
    cluster: str = field(default="", compare=False)
    """Under which name its calls are counted; two names for one place share its gateway and the first one's count."""


class Gateway:
    """The calls that the product makes to one cluster."""

    def __init__(
        self, reach: Reach, *, limits: Limits | None = None, is_in_transaction: Callable[[], bool] = lambda: False
    ) -> None:
        """Remember how to reach it, and within which limits (None: without any); nothing is opened before the first call."""
        self._reach = reach
        self._limits = limits
        self._is_in_transaction = is_in_transaction
        self._lock = threading.Lock()
        self._client: Any = None
        self._client_pid = 0

    def get(self, ref: Ref) -> Body | None:
        """Return the object, or None where there is none."""
        try:
            return self._json("GET", ref.path, action=f"reading {ref}")
        except ObjectMissing:
            return None

    def create(self, body: Body) -> Body:
        """Create the object; unknown fields are refused.

        Raises: AlreadyExists — there is one of that name.
        """
        ref = ref_of(body)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return self._json("POST", ref.kind.path(ref.namespace), query=query, body=body, action=f"creating {ref}")

    def merge(self, ref: Ref, change: Body) -> Body:
        """Change the fields that `change` names (JSON merge patch); give `metadata.resourceVersion` to be refused when stale.

        Raises: ClusterConflict — stale. ObjectMissing — there is no such object.
        """
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return self._json(
            "PATCH", ref.path, query=query, body=change, content_type=_MERGE_PATCH, action=f"changing {ref}"
        )

    def apply(self, body: Body) -> Body:
        """Make the object as `body` says, by server-side apply: only for objects that nobody else writes."""
        ref = ref_of(body)
        query = {"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        return self._json(
            "PATCH", ref.path, query=query, body=body, content_type=_APPLY_PATCH, action=f"applying {ref}"
        )

    def delete(self, ref: Ref, *, uid: str) -> None:
        """Ask for this very object to be deleted: one that was made again under the same name stays. Its absence is success.

        Raises: ClusterConflict — the object of that name has another uid.
        """
        options = {"preconditions": {"uid": uid}, "propagationPolicy": "Foreground"}
        try:
            self._json("DELETE", ref.path, body=options, action=f"deleting {ref}")
        except ObjectMissing:
            return

    def list(
        self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> tuple[list[Body], str]:
        """Return all objects that fit the selectors, page by page, and the resourceVersion from which a watch goes on."""
        found: list[Body] = []
        query = {"limit": str(_PAGE), "labelSelector": labels, "fieldSelector": fields}
        while True:
            answer = self._json("GET", kind.path(namespace), query=query, action=f"listing {kind.plural}")
            found += answer.get("items", [])
            metadata = answer.get("metadata", {})
            if not metadata.get("continue"):
                return found, str(metadata.get("resourceVersion", ""))
            query["continue"] = metadata["continue"]

    def watch(
        self, kind: Kind, *, labels: str, resource_version: str, seconds: int, silence_seconds: int
    ) -> Generator[Body, None, None]:
        """Yield watch events until the server ends the stream after `seconds`; who leaves earlier must close it.

        Silence for longer than `silence_seconds` counts as a lost connection.

        Raises: VersionExpired — list again. ClusterUnavailable — the stream broke.
        """
        query = {
            "watch": "true",
            "labelSelector": labels,
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        action = f"watching {kind.plural}"
        answer = self._send("GET", kind.path(), query=query, action=action, read_seconds=silence_seconds)
        for line in self._lines(answer.response, action):
            event = _parsed(line, action)
            about = event.get("object")
            if not isinstance(about, dict):
                raise ClusterUnavailable(f"{action}: a line of the stream is no event.")
            if event.get("type") == "ERROR":
                raise error_from(int(about.get("code", 500)), "", orjson.dumps(about), {}, action)
            yield event

    def log(self, pod: Ref, *, container: str, lines: int, limit_bytes: int) -> bytes:
        """Return the last lines of a container's log; `limit_bytes` bounds what is read, and cuts the newest lines.

        Raises: ObjectMissing — there is no such pod. ClusterRefuses — its container has no log.
        """
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(limit_bytes)}
        return self._raw(f"{pod.path}/log", query=query, action=f"reading the log of {pod}")

    def page(self, service: Ref, *, port: str, path: str) -> str:
        """Return what a service inside the cluster answers to a plain GET, through the API server's proxy."""
        content = self._raw(f"{service.path}:{port}/proxy/{path}", action=f"reading {path} of {service}")
        return content.decode(errors="replace")

    def version(self) -> str:
        """Return the version of the Kubernetes that answers."""
        return str(self._json("GET", "/version", action="asking for the version")["gitVersion"])

    def _lines(self, response: Any, action: str) -> Iterator[bytes]:
        rest = b""
        try:
            with _own_errors(action, "the stream broke"):
                for chunk in response.stream(amt=None, decode_content=True):
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from filter(None, lines)
        finally:
            response.close()
        if rest:
            yield rest

    def _raw(self, path: str, *, action: str, query: dict[str, str] | None = None) -> bytes:
        answer = self._send("GET", path, query=query, action=action, accept="*/*")
        with _own_errors(action, "the answer broke off"):
            content: bytes = answer.read()
        return content

    def _json(self, verb: str, path: str, *, action: str, **how: Any) -> Body:
        answer = self._send(verb, path, action=action, **how)
        with _own_errors(action, "the answer broke off"):
            content = answer.read()
        return _parsed(content, action) if content else {}

    def _send(
        self,
        verb: str,
        path: str,
        *,
        action: str,
        query: dict[str, str] | None = None,
        body: Body | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        read_seconds: int = READ_SECONDS,
    ) -> Any:
        if self._is_in_transaction():
            raise CalledInTransaction(f"{action}: {CalledInTransaction.__doc__}")
        with self._limits.around_call() if self._limits else nullcontext():
            return self._call(
                verb, path, query, body, {"Accept": accept, "Content-Type": content_type}, action, read_seconds
            )

    def _call(
        self,
        verb: str,
        path: str,
        query: dict[str, str] | None,
        body: Body | None,
        headers: dict[str, str],
        action: str,
        read_seconds: int,
    ) -> Any:
        client = self._client_of_this_process()
        asked = [(name, value) for name, value in (query or {}).items() if value]
        method, url, headers, _, _ = client.param_serialize(
            method=verb, resource_path=path, query_params=asked, header_params=headers, auth_settings=["BearerToken"]
        )
        with _own_errors(action, "no answer"), Call(self._reach.cluster, verb, query or {}) as call:
            answer = client.call_api(method, url, headers, body, _request_timeout=(CONNECT_SECONDS, read_seconds))
            call.status = answer.status
            failed = answer.status >= HTTPStatus.MULTIPLE_CHOICES
            content = answer.read() if failed else b""
        if failed:
            problem = error_from(answer.status, answer.reason, content, answer.headers, action)
            if isinstance(problem, ClusterLogin):
                self._forget_client()
            raise problem
        return answer

    def _client_of_this_process(self) -> Any:
        with self._lock:
            if self._client is None or self._client_pid != os.getpid():
                self._client = _new_client(self._reach)
                self._client_pid = os.getpid()
            return self._client

    def _forget_client(self) -> None:
        with self._lock:
            self._client = None


@contextmanager
def _own_errors(action: str, what: str) -> Iterator[None]:
    """Translate what the HTTP library raises; the official client makes a refusal of status 0 out of a failure of TLS."""
    import urllib3
    from kubernetes.client import ApiException

    try:
        yield
    except urllib3.exceptions.HTTPError as error:
        raise ClusterUnavailable(f"{action}: {what} ({type(error).__name__}).") from error
    except ApiException as error:
        raise ClusterUnavailable(
            f"{action}: no trust: the server's certificate and the authority in our kubeconfig do not fit."
        ) from error


def _parsed(content: bytes, action: str) -> Body:
    """Return the object in an answer; one that is none is not the Kubernetes API's and could hold anything."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ClusterUnavailable(f"{action}: the answer is not JSON.") from error
    if not isinstance(found, dict):
        raise ClusterUnavailable(f"{action}: the answer is not an object of the Kubernetes API.")
    return found


def _new_client(reach: Reach) -> Any:
    """Open the official client with retries off: one call, one attempt."""
    from kubernetes import client, config
    from kubernetes.config import ConfigException

    configuration = client.Configuration()
    try:
        if reach.kubeconfig_path:
            config.load_kube_config(
                reach.kubeconfig_path,
                context=reach.context or None,
                client_configuration=configuration,
                persist_config=False,
            )
        else:
            config.load_incluster_config(client_configuration=configuration)
    except (ConfigException, OSError) as error:
        raise ClusterUnavailable(redact(f"The cluster's access configuration cannot be read: {error}")) from error
    except Exception as error:  # the loader trips over a malformed file in many ways, and quotes it
        raise ClusterUnavailable(
            f"The cluster's access configuration cannot be read: it is malformed ({type(error).__name__})."
        ) from error
    configuration.retries = False
    configuration.connection_pool_maxsize = 8
    return client.ApiClient(configuration)
