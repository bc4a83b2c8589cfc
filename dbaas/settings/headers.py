"""What browsers are told: where a page may load things from, who may frame it, which origins may call the API."""

from typing import Any

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "form-action": [NONE],
        "frame-ancestors": [NONE],
    }
}
"""For everything that is not a page: an answer of the API that a browser takes for one can load and do nothing."""

_OF_HTMX = "'sha256-bsV5JivYxvGywDAZ22EZJKBFip65Ng9xoJVLbBg7bdo='"
"""How htmx fades its indicators in."""
_OF_REDOC = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
)
"""An empty block, into which Redoc then writes rules one by one, and the one for its scroll bars. Measured with Chromium, as the one above:
where a new version writes something else, the browser's console names the new hash."""

_OF_PAGES = {
    "default-src": [SELF],
    "object-src": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
    "img-src": [SELF, "data:"],
}
ADMIN_POLICY = {
    **_OF_PAGES,
    "form-action": [SELF],
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, _OF_HTMX],
}
"""The admin's pages keep their expressions in attributes (x-data, x-show), which Alpine compiles: that is what unsafe-eval is for. Inline
scripts and inline styles are refused; the one block of styles that the theme writes is let in by its hash (dbaas.api.page_headers)."""
DOCS_POLICY = {
    **_OF_PAGES,
    "form-action": [NONE],
    "script-src": [SELF, NONCE],
    "style-src": [SELF, NONCE, *_OF_REDOC],
    "worker-src": ["blob:"],
}
"""Swagger UI and Redoc, whose own inline parts carry a nonce; Redoc's search runs in a worker that it makes from a blob."""

PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer"),
        *(
            "microphone",
            "midi",
            "payment",
            "publickey-credentials-get",
            "screen-wake-lock",
            "usb",
            "xr-spatial-tracking",
        ),
    )
)


def cors_from(allowed_origins: list[str]) -> dict[str, Any]:
    """Return the settings of django-cors-headers; with an empty list no page of another origin can read an answer."""
    return {
        "CORS_ALLOWED_ORIGINS": allowed_origins,
        "CORS_URLS_REGEX": r"^/api/",
        "CORS_ALLOW_CREDENTIALS": False,
        "CORS_ALLOW_METHODS": ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
        "CORS_ALLOW_HEADERS": (
            *("accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match"),
            *("x-api-key", "x-request-id"),
        ),
        "CORS_EXPOSE_HEADERS": (
            *("etag", "idempotency-replayed", "location", "ratelimit", "ratelimit-policy", "retry-after"),
            "x-request-id",
        ),
    }
