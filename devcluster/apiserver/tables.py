"""Objects as Table rows: what `kubectl get` prints. Custom kinds bring columns in their CRD, others are in `BUILT_IN`."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from devcluster.apiserver.errors import Body
from devcluster.apiserver.resources import Resource

Cell = Callable[[Body], Any]
Column = tuple[str, Cell]

_STEP = re.compile(r"\.?([^.\[\]]+)|\[\?\(@\.(\w+)\s*==\s*[\"']([^\"']*)[\"']\)\]|\[(\d+)\]|\[[\"']([^\"']+)[\"']\]")


def json_path(body: object, path: str) -> Any:
    """Read the small part of JSONPath that printer columns use: names, indexes and `[?(@.type=="X")]`."""
    value: Any = body
    for name, field, wanted, index, quoted in _STEP.findall(path.replace("\\.", "\0")):
        if field:
            matching = [one for one in value if one.get(field) == wanted] if isinstance(value, list) else []
            value = matching[0] if matching else None
        elif index:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        else:
            key = (name or quoted).replace("\0", ".")
            value = value.get(key) if isinstance(value, dict) else None
    return value


def human_duration(seconds: float) -> str:
    """Word an age as kubectl does: 45s, 5m, 3h12m, 2d, 1y30d."""
    second, minute, hour, day, year = 1, 60, 3600, 86_400, 365 * 86_400
    for limit, unit, word, small, small_word in (
        (2 * minute, second, "s", 0, ""),
        (10 * minute, minute, "m", second, "s"),
        (3 * hour, minute, "m", 0, ""),
        (8 * hour, hour, "h", minute, "m"),
        (2 * day, hour, "h", 0, ""),
        (8 * day, day, "d", hour, "h"),
        (2 * year, day, "d", 0, ""),
        (8 * year, year, "y", day, "d"),
    ):
        if seconds < limit:
            rest = int(seconds % unit // small) if small else 0
            return f"{int(seconds // unit)}{word}" + (f"{rest}{small_word}" if rest else "")
    return f"{int(seconds // year)}y"


def age(timestamp: object) -> str:
    """Word how long ago a timestamp was, `<unknown>` for none."""
    if not isinstance(timestamp, str):
        return "<unknown>"
    try:
        then = datetime.fromisoformat(timestamp)
    except ValueError:
        return "<invalid>"
    return human_duration(max((datetime.now(tz=UTC) - then).total_seconds(), 0))


def _field(path: str, otherwise: str = "") -> Cell:
    def cell(body: Body) -> Any:
        value = json_path(body, path)
        return otherwise if value in (None, "") else value

    return cell


def _since(path: str) -> Cell:
    return lambda body: age(json_path(body, path))


def _size(path: str) -> Cell:
    return lambda body: len(json_path(body, path) or ())


def _pod_ready(body: Body) -> str:
    containers = json_path(body, "spec.containers") or ()
    statuses = json_path(body, "status.containerStatuses") or ()
    return f"{sum(bool(status.get('ready')) for status in statuses)}/{len(containers)}"


def _pod_status(body: Body) -> Any:
    is_deleted = body["metadata"].get("deletionTimestamp")
    return "Terminating" if is_deleted else json_path(body, "status.reason") or _field("status.phase")(body)


def _pod_restarts(body: Body) -> int:
    return sum(status.get("restartCount", 0) for status in json_path(body, "status.containerStatuses") or ())


def _ports(body: Body) -> str:
    words = []
    for port in json_path(body, "spec.ports") or ():
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        words.append(f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}")
    return ",".join(words) or "<none>"


def _external_ip(body: Body) -> str:
    ingress = json_path(body, "status.loadBalancer.ingress") or ()
    addresses = [one.get("ip") or one.get("hostname") for one in ingress]
    return ",".join(addresses) or ("<pending>" if json_path(body, "spec.type") == "LoadBalancer" else "<none>")


def _node_status(body: Body) -> str:
    return "Ready" if json_path(body, 'status.conditions[?(@.type=="Ready")].status') == "True" else "NotReady"


def _event_object(body: Body) -> str:
    involved = body.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


def _terminating(path: str) -> Cell:
    return lambda body: "Terminating" if body["metadata"].get("deletionTimestamp") else _field(path)(body)


def _default_class(body: Body) -> str:
    mark = (body["metadata"].get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class")
    return f"{body['metadata']['name']} (default)" if mark == "true" else str(body["metadata"]["name"])


_NAME: Column = ("Name", _field("metadata.name"))
_AGE: Column = ("Age", _since("metadata.creationTimestamp"))
_READY_OF: Cell = lambda body: f"{_field('status.readyReplicas', '0')(body)}/{_field('spec.replicas', '1')(body)}"  # noqa: E731 — one more cell

BUILT_IN: Mapping[str, tuple[Column, ...]] = {
    "namespaces": (_NAME, ("Status", _field("status.phase")), _AGE),
    "secrets": (_NAME, ("Type", _field("type")), ("Data", _size("data")), _AGE),
    "configmaps": (_NAME, ("Data", _size("data")), _AGE),
    "services": (_NAME, ("Type", _field("spec.type")), ("Cluster-IP", _field("spec.clusterIP", "<none>")),
                 ("External-IP", _external_ip), ("Port(s)", _ports), _AGE),
    "pods": (_NAME, ("Ready", _pod_ready), ("Status", _pod_status), ("Restarts", _pod_restarts), _AGE),
    "persistentvolumeclaims": (_NAME, ("Status", _terminating("status.phase")), ("Volume", _field("spec.volumeName")),
                               ("Capacity", _field("status.capacity.storage")),
                               ("Access Modes", lambda body: ",".join(json_path(body, "spec.accessModes") or ())),
                               ("StorageClass", _field("spec.storageClassName")), _AGE),
    "nodes": (_NAME, ("Status", _node_status), ("Roles", lambda _body: "<none>"), _AGE,
              ("Version", _field("status.nodeInfo.kubeletVersion"))),
    "events": (("Last Seen", _since("lastTimestamp")), ("Type", _field("type")), ("Reason", _field("reason")),
               ("Object", _event_object), ("Message", _field("message"))),
    "deployments.apps": (_NAME, ("Ready", _READY_OF), _AGE),
    "statefulsets.apps": (_NAME, ("Ready", _READY_OF), _AGE),
    "storageclasses.storage.k8s.io": (
        ("Name", _default_class), ("Provisioner", _field("provisioner")), ("ReclaimPolicy", _field("reclaimPolicy")),
        ("VolumeBindingMode", _field("volumeBindingMode")),
        ("AllowVolumeExpansion", lambda body: str(bool(body.get("allowVolumeExpansion"))).lower()), _AGE),
    "customresourcedefinitions.apiextensions.k8s.io": (_NAME, ("Created At", _field("metadata.creationTimestamp"))),
    "networkpolicies.networking.k8s.io": (_NAME, _AGE),
}  # fmt: skip


def _custom_cell(column: Body) -> Cell:
    path, kind = str(column["jsonPath"]), column.get("type")

    def cell(body: Body) -> Any:
        value = json_path(body, path)
        if kind == "date":
            return age(value) if value is not None else None
        return value if value is None or isinstance(value, int | float) else str(value)

    return cell


def _columns(resource: Resource) -> Sequence[tuple[Body, Cell]]:
    if not resource.is_custom:
        named = BUILT_IN.get(resource.key, (_NAME, _AGE))
        return [(_definition({"name": name}), cell) for name, cell in named]
    custom = [(_definition(column), _custom_cell(column)) for column in resource.columns]
    return [(_definition({"name": "Name", "format": "name"}), _NAME[1]), *custom]


def _definition(column: Body) -> Body:
    return {
        "name": column["name"],
        "type": column.get("type", "string"),
        "format": column.get("format", ""),
        "description": column.get("description", ""),
        "priority": column.get("priority", 0),
    }


def _shown(cell: Cell, body: Body) -> Any:
    """Give a cell, or a mark for a built-in object whose fields have types that no client writes."""
    try:
        return cell(body)
    except (AttributeError, KeyError, TypeError):
        return "<invalid>"


def as_table(resource: Resource, bodies: Sequence[Body], *, metadata: Body, include: str, version: str) -> Body:
    """Give a meta.k8s.io Table; `include` is `None`, `Metadata` or `Object`, `version` v1 or v1beta1."""
    columns = _columns(resource)
    api_version = f"meta.k8s.io/{version}"
    rows = []
    for body in bodies:
        row: Body = {"cells": [_shown(cell, body) for _, cell in columns]}
        if include == "Object":
            row["object"] = body
        elif include != "None":
            partial = {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": body["metadata"]}
            row["object"] = partial
        rows.append(row)
    definitions = [definition for definition, _ in columns]
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }
