"""Answers the API server's questions about pods on a loopback port, as a kubelet does: logs, usage, and the pages of stats services.

Where it listens, and the token that it asks for, stand in a Secret in kube-system: whoever may read that may read everything anyway.
It listens for the API server only; what customers may see is decided there by their roles.
"""

import logging
import re
import secrets
from typing import Any

from aiohttp import web

from devcluster.operator.exporter.collect import Collector, UnknownTargetError
from devcluster.operator.exporter.logs import tail
from devcluster.operator.exporter.text import CONTENT_TYPE
from devcluster.operator.exporter.usage import Meter
from devcluster.operator.kube import ApiError, ConflictError
from devcluster.operator.ports import LOOPBACK
from devcluster.operator.processes import PodKey
from devcluster.operator.resources import SECRETS
from devcluster.operator.site import Site

logger = logging.getLogger(__name__)

SECRET_NAMESPACE, SECRET_NAME = "kube-system", "pocket-kubelet"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


class ExporterServer:
    """The listening side."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._collector = Collector(site)
        self._meter = Meter()
        self._token = secrets.token_urlsafe(32)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port and publish where."""
        app = web.Application(middlewares=[self._authenticated])
        app.router.add_get("/logs/{namespace}/{pod}", self._log)
        app.router.add_get("/stats/{namespace}/{service}/metrics", self._page)
        app.router.add_get("/usage", self._usage)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, 0)
        await site.start()
        try:
            await self._publish(self._runner.addresses[0][1])
        except ApiError as error:
            # Databases come first: without the Secret they run, and only logs and metrics cannot be read.
            logger.warning("nobody can be told where logs and metrics are read: %s", error)

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _publish(self, port: int) -> None:
        text = {"url": f"http://{LOOPBACK}:{port}", "token": self._token}
        metadata = {"name": SECRET_NAME, "namespace": SECRET_NAMESPACE}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": text}
        try:
            await self._site.kube.create(SECRETS, body)
        except ConflictError:
            await self._site.kube.patch(SECRETS, SECRET_NAMESPACE, SECRET_NAME, {"stringData": text})

    @web.middleware
    async def _authenticated(self, request: web.Request, handler: Any) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return web.Response(status=401)
        if not all(_NAME.fullmatch(part) for part in request.match_info.values()):
            return web.Response(status=404)
        response: web.StreamResponse = await handler(request)
        return response

    async def _log(self, request: web.Request) -> web.Response:
        namespace, pod = request.match_info["namespace"], request.match_info["pod"]
        wanted = {name: int(text) for name, text in request.query.items() if text.isdigit()}
        path = self._site.processes.log_of(PodKey(namespace, pod))
        try:
            content = tail(path, lines=wanted.get("tailLines"), limit_bytes=wanted.get("limitBytes"))
        except FileNotFoundError:
            return web.Response(status=404)
        return web.Response(body=content, content_type="text/plain", charset="utf-8")

    async def _page(self, request: web.Request) -> web.Response:
        namespace, service = request.match_info["namespace"], request.match_info["service"]
        try:
            text = await self._collector.page(namespace, service)
        except UnknownTargetError:
            return web.Response(status=404)
        except ApiError as error:
            logger.warning("stats of %s/%s: %s", namespace, service, error)
            return web.Response(status=503)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _usage(self, _request: web.Request) -> web.Response:
        """Answer with every running server's usage, as a list."""
        running = {
            key: server.pid for key in self._site.processes.known() if (server := self._site.processes.running(key))
        }
        found = self._meter.measure(list(running.values()))
        listed = [
            {
                "namespace": key.namespace,
                "pod": key.pod,
                "cpu_nanocores": round(found[pid].cpu_cores * 1e9),
                "memory_kib": found[pid].memory_bytes // 1024,
                "window_seconds": found[pid].window_seconds,
            }
            for key, pid in running.items()
            if pid in found
        ]
        return web.json_response(listed)
