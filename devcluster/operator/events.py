"""Kubernetes events on a database, so that `kubectl describe` tells its story.

The same event again only raises its count, as in Kubernetes. Losing an event never stops the work.
"""

import hashlib
import logging
from collections.abc import Mapping

from devcluster.operator.kube import ApiError, Body, ConflictError, Kube
from devcluster.operator.phases import timestamp
from devcluster.operator.resources import EVENTS

logger = logging.getLogger(__name__)

COMPONENT = "KubeDB Operator"


class Recorder:
    """Writes events."""

    def __init__(self, kube: Kube, *, component: str = COMPONENT) -> None:
        """`component` is who tells the events."""
        self._kube = kube
        self._component = component

    async def normal(self, about: Mapping[str, Body], reason: str, message: str) -> None:
        """Tell that something went well."""
        await self._record(about, "Normal", reason, message)

    async def warning(self, about: Mapping[str, Body], reason: str, message: str) -> None:
        """Tell that something went wrong."""
        await self._record(about, "Warning", reason, message)

    async def _record(self, about: Mapping[str, Body], kind: str, reason: str, message: str) -> None:
        event = build(about, kind, reason, message, component=self._component)
        namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
        level = logging.WARNING if kind == "Warning" else logging.INFO
        logger.log(level, "%s %s/%s: %s", about["kind"], namespace, about["metadata"]["name"], message)
        try:
            await self._kube.create(EVENTS, event)
        except ConflictError:
            await self._again(namespace, name)
        except ApiError as error:
            logger.warning("event not recorded: %s", error)

    async def _again(self, namespace: str, name: str) -> None:
        try:
            before = await self._kube.get(EVENTS, namespace, name)
            again = {"count": int(before.get("count", 1)) + 1, "lastTimestamp": timestamp()}
            await self._kube.patch(EVENTS, namespace, name, again)
        except ApiError as error:
            logger.warning("event not recorded: %s", error)


def build(about: Mapping[str, Body], kind: str, reason: str, message: str, *, component: str = COMPONENT) -> Body:
    """Build an event; the same story about the same object has the same name."""
    metadata = about["metadata"]
    digest = hashlib.sha256(f"{metadata['uid']} {kind} {reason} {message}".encode()).hexdigest()[:16]
    now = timestamp()
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "type": kind,
        "reason": reason,
        "message": message,
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
