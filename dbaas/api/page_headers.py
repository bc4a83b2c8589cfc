"""Headers for browsers, by what an address is: the API, the admin, or the pages that explain the API. The policies are in dbaas.settings.headers."""

import base64
import hashlib
import re
from functools import cache
from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.loader import get_template, render_to_string

from dbaas.api.errors_page import STYLE

_ADMIN = "/admin/"
_DOCS = ("/api/docs", "/api/redoc")
_ERRORS = "/docs/errors"
_BLOCK = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


class PageHeadersMiddleware(CSPMiddleware):
    """Write Content-Security-Policy, for each kind of page its own."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """Return what this page may do."""
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only:
            parts.config = _policy_for(request)
        return parts

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Write the headers."""
        answer = super().process_response(request, response)
        answer["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        answer["Cross-Origin-Resource-Policy"] = "same-origin"
        if request.path_info.startswith(
            _DOCS
        ):  # the library's view lets windows share it, for log-ins that we do not have
            answer["Cross-Origin-Opener-Policy"] = settings.SECURE_CROSS_ORIGIN_OPENER_POLICY or "same-origin"
        return answer


def _policy_for(request: HttpRequest) -> dict[str, Any]:
    path = request.path_info
    if path.startswith(_ADMIN):
        return {**settings.ADMIN_POLICY, "style-src": [*settings.ADMIN_POLICY["style-src"], *_blocks_of_admin()]}
    if path.startswith(_DOCS):
        return dict(settings.DOCS_POLICY)
    directives: dict[str, Any] = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return {**directives, "style-src": [_hash(STYLE)]} if path == _ERRORS else directives


@cache
def _blocks_of_admin() -> list[str]:
    """Return the hashes of the two blocks of styles that the admin's pages hold: colours, the same on every page, and a line for lists."""
    site, request = admin.site, HttpRequest()
    colours = site._get_colors("COLORS", request)  # type: ignore[attr-defined]
    radius = site._get_config("BORDER_RADIUS", request)  # type: ignore[attr-defined]
    page = render_to_string("unfold/layouts/skeleton.html", {"colors": colours, "border_radius": radius})
    source = get_template("admin/change_list.html").template.source  # type: ignore[attr-defined] # of Django's own engine
    return [_hash(block) for text in (page, source) for block in _BLOCK.findall(text)]


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
