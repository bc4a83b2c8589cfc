"""The HTTP surface: authentication, authorization, faults and the choice of the verb; the verbs themselves live elsewhere."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web
from multidict import CIMultiDict

from devcluster.apiserver import (
    discovery,
    documents,
    faults,
    metrics_api,
    patching,
    protobuf,
    proxying,
    representation,
    reviews,
    routing,
    shapes,
)
from devcluster.apiserver.cluster import Cluster
from devcluster.apiserver.errors import (
    ApiError,
    Body,
)
from devcluster.apiserver.kubelet import Kubelet
from devcluster.apiserver.rbac import SUPERUSERS, User
from devcluster.apiserver.request import Request

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 3 * 1024 * 1024
"""The limit of the real server."""
_OPEN = ("readyz", "livez", "healthz", "version")


class Surface:
    """Answers HTTP requests."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        kubelet = Kubelet(cluster.store)
        self._proxying = proxying.Proxying(cluster.reader, kubelet)
        self._metrics = metrics_api.PodMetrics(cluster.store, cluster.reader, kubelet)

    async def serve(self, http: web.Request) -> web.StreamResponse:
        """Answer one request; every failure becomes a Status object."""
        try:
            return await self._route(http)
        except ApiError as error:
            return _answer(error.as_status(), error.code, headers=error.headers)
        except web.HTTPRequestEntityTooLarge:
            status = ApiError(413, "RequestEntityTooLarge", f"limit is {MAX_BODY_BYTES}").as_status()
            return _answer(status, 413)
        except Exception:
            log.exception("%s %s failed", http.method, http.path)
            return _answer(ApiError(500, "InternalError", "Internal error occurred: see the log").as_status(), 500)

    async def _route(self, http: web.Request) -> web.StreamResponse:
        parts = routing.split(http.path)
        if parts and parts[0] in _OPEN:
            return _answer(discovery.VERSION, 200) if parts[0] == "version" else web.Response(text="ok")
        user = self._cluster.authenticator.user(http.headers)
        if parts[:1] == ["_faults"] and self._cluster.faults is not None:
            return await self._serve_faults(http, user, self._cluster.faults)
        if not routing.is_resource_path(parts):
            accept = http.headers.get("Accept", "")
            document = documents.answer(self._cluster.registry, http.method, parts, accept=accept, host=http.host)
            return _answer(document.content, 200, content_type=document.media_type)
        request = routing.parse(
            self._cluster.registry,
            http.method,
            parts,
            user=user,
            query=http.query,
            user_agent=http.headers.get("User-Agent", ""),
        )
        self._cluster.authorizer.require(user, request.access)
        rule = self._cluster.faults.take(request) if self._cluster.faults else None
        return await (self._serve_faulty(http, request, rule) if rule else self._perform(http, request))

    async def _serve_faulty(self, http: web.Request, request: Request, rule: faults.Rule) -> web.StreamResponse:
        if rule.fault == "reset_before":
            return _reset(http)
        if rule.fault == "cut_watch" or (rule.fault == "gone" and request.verb == "watch"):
            return await self._watch(http, request, trouble=rule)
        await faults.strike_before(rule)
        response = await self._perform(http, request)
        if rule.fault == "timeout_after_effect":
            await asyncio.sleep(rule.seconds)
        return _reset(http) if rule.fault in {"reset_after", "timeout_after_effect"} else response

    async def _perform(self, http: web.Request, request: Request) -> web.StreamResponse:
        if request.subresource in {proxying.LOG, proxying.PROXY}:
            return await self._proxying.answer(request)
        if request.resource.group == metrics_api.GROUP:
            return _answer(await self._metrics.answer(request, _form(http)), 200)
        if request.verb == "watch":
            return await self._watch(http, request)
        if request.verb in {"get", "list"}:
            return self._read(http, request)
        raw = await http.read()
        if request.verb == "deletecollection":
            return self._delete_collection(*_with_options(request, http.content_type, raw))
        body, code = self._write(request, http.content_type, raw)
        is_object = body.get("kind") == request.resource.kind and request.resource.is_stored
        shown = _form(http).one(request.resource, orjson.dumps(body)) if is_object else body
        return _answer(shown, code, warnings=request.warnings)

    def _write(self, request: Request, content_type: str, raw: bytes) -> tuple[Body, int]:
        writer = self._cluster.writer
        if request.verb == "patch":
            body, is_new = patching.patch(writer, request, content_type, raw)
            return body, 201 if is_new else 200
        if request.verb == "delete":
            request, options = _with_options(request, content_type, raw)
            last, is_gone = writer.delete(request, options)
            return (_deleted(request, last) if is_gone else last), 200
        body = _parse(content_type, raw)
        if not request.resource.is_stored:
            return reviews.answer(request, body, self._cluster.authorizer), 201
        if request.subresource == routing.TOKEN:
            return self._cluster.authenticator.issue(request, body), 201
        if request.verb == "create":
            return writer.create(request, body), 201
        return writer.update(request, body), 200

    def _read(self, http: web.Request, request: Request) -> web.Response:
        form = _form(http)
        if request.verb == "list":
            return _answer(self._cluster.reader.listing(request, form), 200)
        stored = self._cluster.reader.get(request)
        return _answer(form.one(request.resource, stored), 200)

    def _delete_collection(self, request: Request, options: Body) -> web.Response:
        """Delete what the selectors match; objects that admission protects make the request fail half-way, as always."""
        form = representation.Representation()
        selected = self._cluster.reader.selected(request, form)
        for key, _ in selected:
            self._cluster.writer.delete(request.about(key.name), options)
        metadata = {"resourceVersion": str(self._cluster.store.revision)}
        return _answer(form.listing(request.resource, [body for _, body in selected], metadata), 200)

    async def _watch(
        self, http: web.Request, request: Request, *, trouble: faults.Rule | None = None
    ) -> web.StreamResponse:
        stream = self._cluster.watches.open(request)
        if trouble is not None:
            faults.doom(stream, trouble)
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        )
        response.enable_chunked_encoding()
        await response.prepare(http)
        lines = self._cluster.watches.follow(stream, _form(http))
        try:
            async for line in lines:
                await response.write(line)
        except ConnectionResetError:
            return response
        finally:
            await lines.aclose()
        if stream.fate == "cut":
            return _reset(http)
        await response.write_eof()
        return response

    async def _serve_faults(self, http: web.Request, user: User, rules: faults.Faults) -> web.Response:
        if SUPERUSERS not in user.groups:
            raise ApiError(403, "Forbidden", "only the administrator may ask for faults")
        if http.method == "POST":
            rule = rules.add(patching.parse_json(await http.read()), self._cluster.watches.streams())
            return _answer(rule.as_body(), 201)
        if http.method == "DELETE":
            rules.clear()
        return _answer({"items": rules.listed()}, 200)


def _form(http: web.Request) -> representation.Representation:
    return representation.negotiate(http.headers.get("Accept", ""), http.query.get("includeObject", ""))


def _answer(
    body: Any,
    code: int,
    *,
    headers: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
    content_type: str = "application/json",
) -> web.Response:
    all_headers = CIMultiDict({**(headers or {}), "Content-Type": content_type, "Cache-Control": "no-cache, private"})
    for text in warnings:
        all_headers.add("Warning", f"299 - {orjson.dumps(text).decode()}")
    encoded = body if isinstance(body, bytes) else orjson.dumps(body)
    return web.Response(body=encoded, status=code, headers=all_headers)


def _reset(http: web.Request) -> web.Response:
    """Drop the connection; what is returned never reaches anybody."""
    if http.transport is not None:
        http.transport.abort()
    return web.Response()


def _parse(content_type: str, raw: bytes) -> Any:
    if content_type in {"application/yaml", "text/yaml"}:
        return patching.parse_yaml(raw)
    if "protobuf" in content_type:
        return protobuf.parse(raw)
    return patching.parse_json(raw)


def _with_options(request: Request, content_type: str, raw: bytes) -> tuple[Request, Body]:
    """Read DeleteOptions from the body, and those that may also stand in the query."""
    options = _parse(content_type, raw) if raw.strip() else {}
    options = shapes.DELETE_OPTIONS.require(options)
    for name in ("propagationPolicy", "orphanDependents"):
        if name in request.query:
            options[name] = request.query[name] if name == "propagationPolicy" else request.is_true(name)
    return (request.in_dry_run() if options.get("dryRun") else request), options


def _deleted(request: Request, last: Body) -> Body:
    resource = request.resource
    details = {"name": request.name, "group": resource.group, "kind": resource.plural, "uid": last["metadata"]["uid"]}
    kept = {name: value for name, value in details.items() if value}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": kept}
