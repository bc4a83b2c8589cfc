"""Take secrets out of text before it is stored, logged or shown. A last net: secrets should not get as far as this."""

import re

REDACTED = "***"
_MAX_CHARS = 2000

_PATTERNS = (
    re.compile(r"(?<=://)([^/\s:@]+):([^@\s/]+)(?=@)"),
    re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"),
    re.compile(r"\bdbk_[A-Za-z0-9]+_[A-Za-z0-9_-]+"),
    re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
    re.compile(r"""(?i)(["']?(?:password|passwd|secret|token|api[_-]?key)["']?\s*[:=]\s*)(["']?)[^\s"',}]+\2"""),
)
_REPLACEMENTS = (r"\1:" + REDACTED, r"\1 " + REDACTED, REDACTED, REDACTED, r"\1" + REDACTED)


def redact(text: str) -> str:
    """Return `text` without what looks like a credential, cut to 2,000 characters."""
    for pattern, replacement in zip(_PATTERNS, _REPLACEMENTS, strict=True):
        text = pattern.sub(replacement, text)
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
