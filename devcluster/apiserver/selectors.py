"""Label and field selectors: parsing what clients write and matching objects; no storage, no HTTP."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devcluster.apiserver.errors import Body, bad_request

_SET = re.compile(r"^\s*(?P<key>[^\s!=,()]+)\s+(?P<word>in|notin)\s*\((?P<values>[^()]*)\)\s*$")
_EQUAL = re.compile(r"^\s*(?P<key>[^\s!=,()]+)\s*(?P<sign>==|=|!=)\s*(?P<value>[^\s!=,()]*)\s*$")
_EXISTS = re.compile(r"^\s*(?P<no>!?)\s*(?P<key>[^\s!=,()]+)\s*$")
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^()]*\))")

Predicate = Callable[[Mapping[str, str]], bool]

FIELDS_OF_ALL = ("metadata.name", "metadata.namespace")
FIELDS_BY_RESOURCE: Mapping[str, tuple[str, ...]] = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
             "status.podIP", "status.nominatedNodeName", "spec.hostNetwork"),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
               "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
               "reportingComponent", "source", "type"),
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "services": ("spec.clusterIP", "spec.type"),
    "persistentvolumeclaims": ("status.phase",),
    "jobs.batch": ("status.successful",),
}  # fmt: skip
"""Which fields may be selected, as the real server registers them (claims by phase are an addition)."""


@dataclass(frozen=True)
class Selection:
    """Which objects a list or a watch is about."""

    labels: tuple[Predicate, ...] = ()
    fields: tuple[tuple[str, str, bool], ...] = ()

    @property
    def is_everything(self) -> bool:
        """Tell whether nothing is filtered."""
        return not self.labels and not self.fields

    def matches(self, body: Body) -> bool:
        """Tell whether an object is selected."""
        labels = body["metadata"].get("labels") or {}
        if not all(predicate(labels) for predicate in self.labels):
            return False
        return all((field_text(body, path) == value) is wanted for path, value, wanted in self.fields)


def field_text(body: Body, path: str) -> str:
    """Give a field's value as text, empty when it is absent."""
    value: object = body
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("component", ""))
    return "" if value is None else str(value)


def parse(label_selector: str, field_selector: str, resource_key: str) -> Selection:
    """Read the two query parameters of a list or a watch.

    Raises: ApiError — 400, for text that is no selector or a field that cannot be selected.
    """
    fields = tuple(_field_term(term, resource_key) for term in field_selector.split(",") if term)
    return Selection(parse_labels(label_selector), fields)


def parse_labels(text: str) -> tuple[Predicate, ...]:
    """Read a label selector into predicates that must all hold.

    Raises: ApiError — 400, for text that is no selector.
    """
    if not text.strip():
        return ()
    return tuple(_label_term(term) for term in _COMMA_OUTSIDE_PARENTHESES.split(text))


def _label_term(term: str) -> Predicate:
    if found := _SET.match(term):
        key = found["key"]
        values = {value.strip() for value in found["values"].split(",")}
        if found["word"] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.match(term):
        key, value = found["key"], found["value"]
        if found["sign"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.match(term):
        key, is_wanted = found["key"], not found["no"]
        return lambda labels: (key in labels) is is_wanted
    raise bad_request(f'unable to parse requirement: couldn\'t parse the selector string "{term}"')


def _field_term(term: str, resource_key: str) -> tuple[str, str, bool]:
    found = _EQUAL.match(term)
    if found is None:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    path = found["key"]
    if path not in FIELDS_OF_ALL and path not in FIELDS_BY_RESOURCE.get(resource_key, ()):
        raise bad_request(f"field label not supported: {path}")
    return path, found["value"], found["sign"] != "!="
