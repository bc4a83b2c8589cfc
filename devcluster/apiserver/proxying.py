"""Logs of pods, and HTTP to what stands behind a service: read through the kubelet, refused in Kubernetes' words."""

from collections.abc import Mapping

import orjson
from aiohttp import web

from devcluster.apiserver.errors import ApiError, Body, bad_request
from devcluster.apiserver.kubelet import Answer, Kubelet, unavailable
from devcluster.apiserver.reads import Reader
from devcluster.apiserver.request import Request

LOG, PROXY = "log", "proxy"
LOG_ANNOTATION = "devcluster.local/log"
"""Where the operator leaves the text that `kubectl logs` shows of a pod that runs no server, such as a job's."""
SIMULATED_ANNOTATION = "devcluster.local/simulated"
NOT_FOUND = 404
OK = 200


class Proxying:
    """Answers the subresources that lead to a running process."""

    def __init__(self, reader: Reader, kubelet: Kubelet) -> None:
        self._reader = reader
        self._kubelet = kubelet

    async def answer(self, request: Request) -> web.Response:
        """Answer a log or a proxy request. Raises: ApiError."""
        return await (self._log(request) if request.subresource == LOG else self._proxy(request))

    async def _log(self, request: Request) -> web.Response:
        pod: Body = orjson.loads(self._reader.get(request))
        container = _container(request, pod)
        limits = {name: _natural(request, name) for name in ("tailLines", "limitBytes") if name in request.query}
        annotations = pod["metadata"].get("annotations") or {}
        if LOG_ANNOTATION in annotations:
            return _text(_cut(str(annotations[LOG_ANNOTATION]).encode(), limits))
        _require_log(request, pod, annotations, container)
        if container != pod["spec"]["containers"][0]["name"]:
            return _text(b"")  # helpers of a pod are no processes here, so they say nothing
        query = {name: str(value) for name, value in limits.items()}
        said = await self._kubelet.ask(f"/logs/{request.namespace}/{request.name}", query)
        if said.status == NOT_FOUND:
            raise _waiting(request.name, container)
        return _text(_required(said).body)

    async def _proxy(self, request: Request) -> web.Response:
        name, port = _target(request.name)
        service: Body = orjson.loads(self._reader.get(request.about(name)))
        ports = service["spec"].get("ports") or ()
        if port and not any(port in {one.get("name"), str(one.get("port"))} for one in ports):
            raise unavailable(f'no service port "{port}" found for service "{name}"')
        path = f"/stats/{request.namespace}/{name}/{request.rest}"
        said = await self._kubelet.ask(path, dict(request.query))
        if said.status == NOT_FOUND:
            raise unavailable(f'no endpoints available for service "{name}"')
        return web.Response(body=said.body, status=said.status, headers={"Content-Type": said.content_type})


def _target(text: str) -> tuple[str, str]:
    """Read `[SCHEME:]NAME[:PORT]`."""
    parts = text.split(":")
    if len(parts) == 3:  # noqa: PLR2004 — scheme, name and port
        parts = parts[1:]
    if len(parts) > 2 or not parts[0]:  # noqa: PLR2004 — name and port
        raise bad_request(f'invalid service request "{text}"')
    return parts[0], parts[1] if len(parts) > 1 else ""


def _container(request: Request, pod: Body) -> str:
    names = [container["name"] for container in pod["spec"]["containers"]]
    wanted = request.query.get("container", "")
    if not wanted and len(names) > 1:
        listed = " ".join(names)
        raise bad_request(f"a container name must be specified for pod {request.name}, choose one of: [{listed}]")
    if wanted and wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {request.name}")
    return wanted or str(names[0])


def _require_log(request: Request, pod: Body, annotations: Mapping[str, str], container: str) -> None:
    """Refuse what has no log: an earlier life, a server that is only played, one that does not run yet."""
    if request.is_true("previous"):
        raise bad_request(f'previous terminated container "{container}" in pod "{request.name}" not found')
    if annotations.get(SIMULATED_ANNOTATION) == "true":
        raise bad_request(f'container "{container}" in pod "{request.name}" is simulated and writes no log')
    if (pod.get("status") or {}).get("phase") == "Pending":
        raise _waiting(request.name, container)


def _waiting(pod: str, container: str) -> ApiError:
    return bad_request(f'container "{container}" in pod "{pod}" is waiting to start: ContainerCreating')


def _natural(request: Request, name: str) -> int:
    value = request.integer(name, 0)
    if value < 0 or (value == 0 and name == "limitBytes"):
        raise bad_request(f"{name}: Invalid value: {value}: must be greater than 0")
    return value


def _cut(text: bytes, limits: Mapping[str, int]) -> bytes:
    lines = text.splitlines(keepends=True)
    if "tailLines" in limits:
        lines = lines[max(0, len(lines) - limits["tailLines"]) :]
    return b"".join(lines)[: limits.get("limitBytes")]


def _required(said: Answer) -> Answer:
    if said.status != OK:
        raise unavailable(f"the kubelet answered {said.status}")
    return said


def _text(content: bytes) -> web.Response:
    return web.Response(body=content, headers={"Content-Type": "text/plain", "Cache-Control": "no-cache, private"})
