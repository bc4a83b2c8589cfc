"""The defaults that KubeDB writes into a database's spec, as pure functions from a spec to a fuller one.

What differs between engines (their containers, their replica counts) is passed in by the engine's file.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from devcluster.operator.kube import Body

MIB_PER_UNIT = {"Ki": 1 / 1024, "Mi": 1.0, "Gi": 1024.0, "Ti": 1024.0 * 1024, "k": 1e3 / 2**20, "M": 1e6 / 2**20}
MIB_PER_UNIT |= {"G": 1e9 / 2**20, "T": 1e12 / 2**20, "": 1 / 2**20, "m": 1e-3 / 2**20}


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a container gets when nobody said anything; the limit has no CPU, as in KubeDB."""

    cpu: str
    memory: str


MAIN = Resources(cpu="500m", memory="1Gi")
COORDINATOR = Resources(cpu="200m", memory="256Mi")


def common(spec: Body, name: str, *, with_auth: bool = True) -> Body:
    """Give the spec with the defaults that all kinds share."""
    filled = copy.deepcopy(spec)
    filled.setdefault("storageType", "Durable")
    filled.setdefault("deletionPolicy", "Delete")
    checker = filled.setdefault("healthChecker", {})
    for key, default in (("periodSeconds", 10), ("timeoutSeconds", 10), ("failureThreshold", 1)):
        checker.setdefault(key, default)
    if with_auth:
        auth = filled.setdefault("authSecret", {})
        for key, text in (("kind", "Secret"), ("name", f"{name}-auth"), ("apiGroup", "")):
            auth.setdefault(key, text)
    return filled


def pod_template(template: Body | None, service_account: str, containers: Mapping[str, Resources]) -> Body:
    """Give a pod template with the containers of the engine in it and their resources filled in."""
    filled = copy.deepcopy(template or {})
    spec = filled.setdefault("spec", {})
    spec.setdefault("serviceAccountName", service_account)
    spec.setdefault("podPlacementPolicy", {"name": "default"})
    listed: list[Body] = spec.setdefault("containers", [])
    for name, resources in containers.items():
        container = next((one for one in listed if one.get("name") == name), None)
        if container is None:
            container = {"name": name}
            listed.append(container)
        container["resources"] = _filled(container.get("resources") or {}, resources)
    return filled


def _filled(given: Body, resources: Resources) -> Body:
    """A missing request comes from the limit and the other way round; a limit below the request is raised to it."""
    requests, limits = dict(given.get("requests") or {}), dict(given.get("limits") or {})
    for key, default in (("cpu", resources.cpu), ("memory", resources.memory)):
        requests.setdefault(key, limits.get(key, default))
    limits.setdefault("memory", requests["memory"])
    if mebibytes(limits["memory"]) < mebibytes(requests["memory"]):
        limits["memory"] = requests["memory"]
    return {**given, "requests": requests, "limits": limits}


def memory_limit_mib(template: Body, container: str) -> int:
    """Give the memory limit of a container whose defaults were filled in, in MiB."""
    listed = (template.get("spec") or {}).get("containers") or []
    chosen: Body = next((one for one in listed if one.get("name") == container), {})
    limit = ((chosen.get("resources") or {}).get("limits") or {}).get("memory", MAIN.memory)
    return int(mebibytes(limit))


def mebibytes(quantity: str | int) -> float:
    """Read a Kubernetes quantity of memory, for example 1536Mi, in MiB."""
    text = str(quantity)
    number = text.rstrip("KMGTikm")
    return float(number) * MIB_PER_UNIT[text[len(number) :]]
