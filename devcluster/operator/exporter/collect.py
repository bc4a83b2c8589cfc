"""Puts the page of one database together: every pod's server asked, every volume measured, at the moment of the scrape.

Everything is looked up again each time: the objects say which pods there are and where they listen, so a page is right after a restart.
"""

import asyncio
import base64
import importlib
import logging
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from devcluster.operator.database import INSTANCE_LABEL, NAME_LABEL, OURS
from devcluster.operator.engine import Login
from devcluster.operator.exporter import sources
from devcluster.operator.exporter.objects import is_stats
from devcluster.operator.exporter.text import Sample, written
from devcluster.operator.exporter.usage import folder_bytes
from devcluster.operator.kube import Body
from devcluster.operator.objects import ADDRESS_ANNOTATION, SIMULATED_ANNOTATION
from devcluster.operator.resources import CLAIMS, PODS, SECRETS, SERVICES, database_resource
from devcluster.operator.site import Site

logger = logging.getLogger(__name__)

SCRAPE_SECONDS = 5.0
BYTES_PER_UNIT = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


class Source(NamedTuple):
    """How the servers of one kind are asked."""

    up: str
    read: Callable[[int, Login], Awaitable[Sequence[Sample]]]


class UnknownTargetError(Exception):
    """There is no such stats service, or its database is gone."""


def load_sources() -> dict[str, Source]:
    """Find the sources in their folder, by the plural of their kind."""
    found = {}
    for module in pkgutil.iter_modules(sources.__path__, f"{sources.__name__}."):
        source = importlib.import_module(module.name)
        found[str(source.PLURAL)] = Source(source.UP, source.read)
    return found


class Collector:
    """Makes pages of metrics."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sources = load_sources()

    async def page(self, namespace: str, service: str) -> str:
        """Give the page behind a stats service. Raises: UnknownTargetError, ApiError."""
        kube = self._site.kube
        found = await kube.find(SERVICES, namespace, service)
        if found is None or not is_stats(found):
            raise UnknownTargetError(service)
        labels = found["metadata"]["labels"]
        plural, name = labels[NAME_LABEL].partition(".")[0], labels[INSTANCE_LABEL]
        selector = f"{OURS},{INSTANCE_LABEL}={name},{NAME_LABEL}={labels[NAME_LABEL]}"
        resource = database_resource("", plural)
        body, pods, claims = await asyncio.gather(
            kube.find(resource, namespace, name),
            kube.list_all(PODS, namespace, selector),
            kube.list_all(CLAIMS, namespace, selector),
        )
        if body is None:
            raise UnknownTargetError(service)
        login = await self._login(body)
        of_pods = await asyncio.gather(*(self._of_pod(plural, pod, login) for pod in pods))
        of_volumes = await asyncio.to_thread(self._of_volumes, claims)
        is_simulated = any(_annotation(pod, SIMULATED_ANNOTATION) == "true" for pod in pods)
        remarks = ["Some servers of this database are simulated: their numbers are left out."] if is_simulated else []
        samples = [sample.with_labels(namespace=namespace) for part in (*of_pods, of_volumes) for sample in part]
        return written(samples, remarks)

    async def _login(self, body: Body) -> Login:
        name = (body["spec"].get("authSecret") or {}).get("name")
        secret = await self._site.kube.find(SECRETS, body["metadata"]["namespace"], name) if name else None
        values = {key: base64.b64decode(value).decode() for key, value in ((secret or {}).get("data") or {}).items()}
        return Login(username=values.get("username", ""), password=values.get("password", ""))

    async def _of_pod(self, plural: str, pod: Body, login: Login) -> list[Sample]:
        name, address = pod["metadata"]["name"], _annotation(pod, ADDRESS_ANNOTATION)
        source = self._sources.get(plural)
        if _annotation(pod, SIMULATED_ANNOTATION) == "true" or source is None:
            up = source.up if source else f"{_engine_of(plural)}_up"
            return [Sample(name=up, value=1, labels={"pod": name})]
        is_up, samples = True, []
        try:
            async with asyncio.timeout(SCRAPE_SECONDS):
                samples = list(await source.read(int(address.rpartition(":")[2] or 0), login))
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, a server that cannot be asked is down, and the page says so
            logger.warning("pod %s: its metrics cannot be read (%s)", name, type(error).__name__)
            is_up = False
        up_sample = Sample(name=source.up, value=float(is_up))
        return [sample.with_labels(pod=name) for sample in (up_sample, *samples)]

    def _of_volumes(self, claims: Sequence[Body]) -> list[Sample]:
        """Measure what is stored; claims of simulated pods hold nothing and are left out."""
        found = []
        for claim in claims:
            namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
            folder = self._site.volumes.of_claim(namespace, name)
            if not folder.exists():
                continue
            labels = {"persistentvolumeclaim": name}
            capacity = ((claim.get("status") or {}).get("capacity") or {}).get("storage", "0")
            sizes = {"used": folder_bytes(folder), "capacity": quantity_bytes(str(capacity))}
            found += [
                Sample(name=f"kubelet_volume_stats_{what}_bytes", value=float(size), labels=labels)
                for what, size in sizes.items()
            ]
        return found


def quantity_bytes(quantity: str) -> int:
    """Read a Kubernetes quantity of storage, for example 10Gi, in bytes."""
    unit = quantity[-2:]
    return int(quantity[:-2]) * BYTES_PER_UNIT[unit] if unit in BYTES_PER_UNIT else int(quantity)


def _engine_of(plural: str) -> str:
    return {"elasticsearches": "elasticsearch"}.get(plural, plural.removesuffix("s"))


def _annotation(body: Body, name: str) -> str:
    return str((body["metadata"].get("annotations") or {}).get(name, ""))
