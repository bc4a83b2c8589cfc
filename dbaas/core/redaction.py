"""Take secrets out of text before it is stored, logged or shown. A last net: secrets should not get as far as this."""

import re

REDACTED = "***"
_MAX_CHARS = 2000

_NAMES = r"(?:password|passwd|passphrase|secret|token|credential|(?:api|access|private|secret|signing)[_-]?key|pepper)"
_QUOTE = r"(?:\\?[\"'])"
_RULES = (
    # user:password@ in an address; the user may be missing (Redis), the password may hold an @ that somebody forgot to quote
    (re.compile(r"(?<=://)([^/\s:@]*):([^\s/\"']+)(?=@)"), rf"\1:{REDACTED}"),
    # a scheme and what looks like a credential, not like prose: base64 without any capital or digit is as good as impossible
    (re.compile(r"\b((?i:bearer|basic))\s+(?=[a-z._~+/=-]*[A-Z0-9])[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"\bdbk_[A-Za-z0-9]+_[A-Za-z0-9_-]+"), REDACTED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"), REDACTED),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), REDACTED),
    # "password": "...", password='...', token=..., in JSON also where the JSON is quoted itself
    (re.compile(rf"(?i)({_NAMES}s?{_QUOTE}?\s*[:=]\s*){_QUOTE}.*?(?:(?<!\\){_QUOTE}|\Z)", re.DOTALL), rf"\1{REDACTED}"),
    (re.compile(rf"(?i)({_NAMES}s?{_QUOTE}?\s*[:=]\s*)[^\s\"'&]+"), rf"\1{REDACTED}"),
)


_IS_SECRET = re.compile(rf"(?i){_NAMES}s?$")


def names_secret(name: str) -> bool:
    """Tell whether what goes by this name is a credential."""
    return bool(_IS_SECRET.search(name))


def without_secrets(text: str) -> str:
    """Return `text` without what looks like a credential."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact(text: str) -> str:
    """Return `text` without what looks like a credential, cut to 2,000 characters."""
    text = without_secrets(text)
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
