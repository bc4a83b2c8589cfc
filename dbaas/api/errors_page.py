"""The page that a problem document's `type` points at."""

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from dbaas.api.error_codes import error_codes

STYLE = "body{font:16px/1.5 system-ui;max-width:64rem;margin:2rem auto;padding:0 1rem}dt{margin-top:1.2rem}:target{background:#fe8}"
"""The only thing that the page\'s Content-Security-Policy lets in, by its hash."""


@require_safe
def errors_page(_request: HttpRequest) -> HttpResponse:
    """Show every code, each under its own anchor."""
    return HttpResponse(_page())


@cache
def _page() -> str:
    rows = ((item.code, item.code, item.status, item.title, item.detail) for item in error_codes())
    entries = format_html_join("", '<dt id="{}"><code>{}</code> &middot; {} &middot; {}</dt><dd>{}</dd>', rows)
    page = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors</title><style>{}</style><h1>Errors</h1><dl>{}</dl></html>'
    return format_html(page, STYLE, entries)
