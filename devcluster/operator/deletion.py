"""Takes a database away, as far as its deletion policy says, or only halts it.

Every step may run again: what is gone already is a success. The finalizer goes last.
"""

import asyncio
import contextlib

from devcluster.operator.database import FINALIZER, Database, selector_text
from devcluster.operator.engine import Engine
from devcluster.operator.kube import Body, NotFoundError
from devcluster.operator.objects import CLAIM_FINALIZER
from devcluster.operator.phases import Type, with_condition, without
from devcluster.operator.pods import STOP_SECONDS
from devcluster.operator.processes import PodKey
from devcluster.operator.proxy import ServiceKey
from devcluster.operator.resources import (
    APP_BINDINGS,
    CLAIMS,
    DISRUPTION_BUDGETS,
    PET_SETS,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from devcluster.operator.site import Site
from devcluster.operator.status import Status

KEEP_ANNOTATION = "kubedb.com/resource-policy-keep-on"
REMOVED_WHEN_HALTED = (APP_BINDINGS, PET_SETS, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS, DISRUPTION_BUDGETS)


async def halt(site: Site, db: Database, status: Status) -> None:
    """Stop the servers and remove all but the database, its volumes and its secrets."""
    stopped = {Type.REPLICA_READY: False, Type.ACCEPTING_CONNECTION: False, Type.READY: False, Type.HALTED: True}
    if status.has(Type.HALTED):
        await status.set(stopped)
        return
    await _remove_workload(site, db, halted=True)
    await status.set(stopped)
    await site.events.normal(db.body, "Halted", "Successfully halted the database")


async def resume(db: Database, status: Status) -> None:
    """Forget the halted life: the phase starts at Provisioning again."""
    if not any(condition["type"] == Type.HALTED for condition in status.conditions):
        return
    generation = int(db.body["metadata"].get("generation", 1))
    kept = (Type.PROVISIONING_STARTED,)
    gone = [kind for kind in Type if kind not in kept]
    await status.change(
        lambda conditions: with_condition(
            without(conditions, *gone), Type.PROVISIONING_STARTED, status=True, generation=generation
        )
    )


async def terminate(site: Site, engine: Engine, db: Database, siblings: list[Body]) -> None:
    """Remove what the deletion policy says, and let the database go. `siblings` are the namespace's other databases."""
    policy = db.spec.get("deletionPolicy", "Delete")
    await _remove_workload(site, db, halted=False)
    if policy in {"Delete", "WipeOut"}:
        claims = await site.kube.list_all(CLAIMS, db.namespace, selector_text(db.selector))
        await asyncio.gather(*(remove_claim(site, claim) for claim in claims))
    if policy == "WipeOut":
        await _remove_secrets(site, db, siblings)
    finalizers = [one for one in db.body["metadata"].get("finalizers") or [] if one != FINALIZER]
    version = db.body["metadata"]["resourceVersion"]
    patch = {"metadata": {"finalizers": finalizers, "resourceVersion": version}}
    await site.kube.patch(engine.resource, db.namespace, db.name, patch)


async def remove_claim(site: Site, claim: Body) -> None:
    """Remove a claim whose pod is gone: its data first, so that nothing is left when the claim is gone."""
    namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
    await site.volumes.remove_claim(namespace, name)
    await site.kube.delete(CLAIMS, namespace, name)
    await release_claim(site, namespace, name)


async def release_claim(site: Site, namespace: str, name: str) -> None:
    """Let a deleted claim go that no pod uses any more, with its data."""
    claim = await site.kube.find(CLAIMS, namespace, name)
    if claim is None or not claim["metadata"].get("deletionTimestamp"):
        return
    pods = await site.kube.list_all(PODS, namespace)
    if any(name in claims_of(pod) for pod in pods):
        return
    await site.volumes.remove_claim(namespace, name)
    kept = [one for one in claim["metadata"].get("finalizers") or [] if one != CLAIM_FINALIZER]
    with contextlib.suppress(NotFoundError):
        await site.kube.patch(CLAIMS, namespace, name, {"metadata": {"finalizers": kept}})


async def remove_servers(site: Site, key: tuple[str, str, str]) -> None:
    """Stop the servers of a database that is gone without the operator having seen it go."""
    for pod in site.processes.owned_by(key):
        await site.processes.stop(pod, grace_seconds=STOP_SECONDS)
        site.processes.forget(pod)


async def _remove_workload(site: Site, db: Database, *, halted: bool) -> None:
    selector = selector_text(db.selector)
    pods = await site.kube.list_all(PODS, db.namespace, selector)
    names = {pod["metadata"]["name"] for pod in pods}
    await asyncio.gather(*(_remove_all(site, resource, db, selector) for resource in REMOVED_WHEN_HALTED))
    owned = site.processes.owned_by((db.resource.plural, db.namespace, db.name))
    keys = {PodKey(db.namespace, name) for name in names} | set(owned)
    await asyncio.gather(*(site.processes.stop(key, grace_seconds=STOP_SECONDS) for key in keys))
    for key in keys:
        site.processes.forget(key)
        await site.kube.delete(PODS, key.namespace, key.pod)
        await site.volumes.remove_pod(key.namespace, key.pod)
    for service in await site.kube.list_all(SERVICES, db.namespace, selector):
        name = service["metadata"]["name"]
        site.proxy.close(ServiceKey(db.namespace, name))
        if not (halted and (service["metadata"].get("annotations") or {}).get(KEEP_ANNOTATION) == "halt"):
            await site.kube.delete(SERVICES, db.namespace, name)
    if not halted:
        await site.kube.delete(SECRETS, db.namespace, db.config_secret_name)


async def _remove_all(site: Site, resource: Resource, db: Database, selector: str) -> None:
    for body in await site.kube.list_all(resource, db.namespace, selector):
        await site.kube.delete(resource, db.namespace, body["metadata"]["name"])


async def _remove_secrets(site: Site, db: Database, siblings: list[Body]) -> None:
    """Only secrets that we made, and that no other database of the namespace uses."""
    used = {(one["spec"].get("authSecret") or {}).get("name") for one in siblings if one["metadata"]["uid"] != db.uid}
    for secret in await site.kube.list_all(SECRETS, db.namespace, selector_text(db.selector)):
        if secret["metadata"]["name"] not in used:
            await site.kube.delete(SECRETS, db.namespace, secret["metadata"]["name"])


def claims_of(pod: Body) -> list[str]:
    """Give the names of the claims that a pod uses."""
    volumes = (pod.get("spec") or {}).get("volumes") or []
    return [str(one["persistentVolumeClaim"]["claimName"]) for one in volumes if one.get("persistentVolumeClaim")]
