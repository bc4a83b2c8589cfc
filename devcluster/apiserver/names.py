"""Names and metadata that Kubernetes accepts, with the wording of its refusals."""

import re
import secrets
from collections.abc import Iterator

from devcluster.apiserver.errors import Body, Cause, invalid, invalid_field, required_field
from devcluster.apiserver.resources import Resource

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_QUALIFIED = re.compile(r"([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)")

_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    f" '{_SUBDOMAIN.pattern}')"
)
_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    f" an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL.pattern}')"
)
_DNS_1035_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and"
    " end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is"
    f" '{_DNS_1035.pattern}')"
)
_RULES = {"namespaces": (_LABEL, 63, _LABEL_WORDS), "services": (_DNS_1035, 63, _DNS_1035_WORDS)}
_FREE_NAMES = "rbac.authorization.k8s.io"
GENERATED_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
GENERATED_LENGTH = 5
MAX_GENERATED_BASE = 58


def generated(prefix: str) -> str:
    """Make a name from `generateName` as the real server does: no vowels, five random characters."""
    suffix = "".join(secrets.choice(GENERATED_ALPHABET) for _ in range(GENERATED_LENGTH))
    return prefix[:MAX_GENERATED_BASE] + suffix


def require_valid(resource: Resource, body: Body) -> None:
    """Let an object pass whose name and labels Kubernetes accepts.

    Raises: ApiError — 422 with every wrong field.
    """
    causes = [*_name_causes(resource, body["metadata"].get("name")), *_metadata_causes(body["metadata"])]
    if causes:
        raise invalid(resource.kind, resource.group, body["metadata"].get("name") or "", causes)


def _name_causes(resource: Resource, name: object) -> Iterator[Cause]:
    if not isinstance(name, str) or not name:
        yield required_field("metadata.name", "name or generateName is required")
        return
    if resource.group == _FREE_NAMES:
        if "/" in name or "%" in name:
            yield invalid_field("metadata.name", name, "may not contain '/' or '%'")
        return
    pattern, longest, words = _RULES.get(resource.key, (_SUBDOMAIN, 253, _SUBDOMAIN_WORDS))
    if len(name) > longest:
        yield invalid_field("metadata.name", name, f"must be no more than {longest} characters")
    if not pattern.fullmatch(name):
        yield invalid_field("metadata.name", name, words)


def _metadata_causes(metadata: Body) -> Iterator[Cause]:
    for name, value in (metadata.get("labels") or {}).items():
        if not _QUALIFIED.fullmatch(name):
            yield invalid_field(
                "metadata.labels", name, "name part must consist of alphanumeric characters, '-', '_' or '.'"
            )
        if len(value) > 63 or not _LABEL_VALUE.fullmatch(value):  # noqa: PLR2004 — DNS label
            why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
            yield invalid_field("metadata.labels", value, why)
    for name in metadata.get("annotations") or {}:
        if not _QUALIFIED.fullmatch(name.lower()):
            yield invalid_field("metadata.annotations", name, "name part must consist of alphanumeric characters")
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        yield from _owner_causes(f"metadata.ownerReferences[{index}]", owner)


def _owner_causes(path: str, owner: Body) -> Iterator[Cause]:
    for field in ("apiVersion", "kind", "name", "uid"):
        if not owner.get(field):
            yield invalid_field(f"{path}.{field}", owner.get(field) or "", f"{field} must not be empty")
