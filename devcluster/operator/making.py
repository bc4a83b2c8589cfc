"""Makes the objects of a database that exist before its pods: secrets, services, accounts, budgets and PetSets.

Which objects, and how they look, is said by the engine's layout and by `objects.py`; here they are applied in order.
"""

import asyncio
import base64
from collections.abc import Mapping

from devcluster.operator import objects
from devcluster.operator.apply import ensure, ensure_created, refuse_foreign_secret
from devcluster.operator.database import Database, selector_text
from devcluster.operator.engine import Engine, Login
from devcluster.operator.exporter.objects import stats_services
from devcluster.operator.kube import Body
from devcluster.operator.layout import Layout, SecretShape
from devcluster.operator.resources import (
    APP_BINDINGS,
    DISRUPTION_BUDGETS,
    PET_SETS,
    SECRETS,
    SERVICES,
    Resource,
)
from devcluster.operator.site import NotYetError, Site


async def make_login(site: Site, engine: Engine, db: Database) -> Login:
    """Read the administrator's login from the auth secret, made if it is the default one and missing."""
    username = engine.username(db)
    if not username:
        return Login(username="", password="")
    name = db.auth_secret_name
    auth = db.spec.get("authSecret") or {}
    if name == f"{db.name}-auth" and not auth.get("externallyManaged"):
        values = {"username": username, "password": objects.password()}
        shape = SecretShape(name=name, kind=objects.BASIC_AUTH, values=values)
        secret, created = await ensure_created(site.kube, SECRETS, objects.persistent_secret(db, shape))
        if created:
            await site.events.normal(db.body, "Successful", "Successfully created auth secret")
    else:
        found = await site.kube.find(SECRETS, db.namespace, name)
        if found is None:
            raise NotYetError(f"auth secret {name} is not found")
        secret = found
    refuse_foreign_secret(db, secret)
    values = _decoded(secret)
    if not values.get("username") or not values.get("password"):
        raise NotYetError(f"auth secret {name} has no username or no password")
    return Login(username=values["username"], password=values["password"])


async def make_config(site: Site, db: Database) -> dict[str, str]:
    """Collect the configuration files that the user gave, and write them into the secret that the pods mount."""
    configuration = db.spec.get("configuration") or {}
    files: dict[str, str] = {}
    if name := configuration.get("secretName"):
        found = await site.kube.find(SECRETS, db.namespace, name)
        if found is None:
            raise NotYetError(f"configuration secret {name} is not found")
        files |= _decoded(found)
    files |= configuration.get("inline") or {}
    made, _ = await ensure(site.kube, SECRETS, objects.config_secret(db, files))
    stale = {name: None for name in made.get("data") or {} if name not in files}
    if stale:
        await site.kube.patch(SECRETS, db.namespace, db.config_secret_name, {"data": stale})
    return files


async def make_objects(site: Site, db: Database, layout: Layout, *, with_secret: bool) -> None:
    """Bring everything but the pods and the auth secret to what the layout says."""
    services = [(SERVICES, objects.service(db, shape)) for shape in layout.services]
    services += [(SERVICES, body) for body in stats_services(db)]
    budgets = [(DISRUPTION_BUDGETS, body) for body in objects.disruption_budgets(db, layout)]
    bindings = [
        (APP_BINDINGS, objects.app_binding(db, binding, with_secret=with_secret))
        for binding in [layout.binding]
        if binding is not None
    ]
    secrets = [objects.persistent_secret(db, shape) for shape in layout.secrets]
    await asyncio.gather(
        *(ensure_created(site.kube, SECRETS, body) for body in secrets),
        *(_make(site, db, resource, body) for resource, body in objects.access_objects(db)),
        *(_make(site, db, resource, body) for resource, body in [*services, *budgets, *bindings]),
        *(_make(site, db, PET_SETS, objects.pet_set(db, group)) for group in layout.groups),
    )
    made = {
        PET_SETS: {group.name for group in layout.groups},
        SERVICES: {body["metadata"]["name"] for _, body in services},
    }
    made[DISRUPTION_BUDGETS] = {body["metadata"]["name"] for _, body in budgets}
    await asyncio.gather(*(_remove_surplus(site, db, resource, names) for resource, names in made.items()))


async def _remove_surplus(site: Site, db: Database, resource: Resource, names: set[str]) -> None:
    """A smaller topology needs fewer objects."""
    for body in await site.kube.list_all(resource, db.namespace, selector_text(db.selector)):
        name = body["metadata"]["name"]
        if name not in names:
            await site.kube.delete(resource, db.namespace, name)


async def _make(site: Site, db: Database, resource: Resource, body: Body) -> None:
    _, created = await ensure(site.kube, resource, body)
    if created and resource in {SERVICES, PET_SETS, APP_BINDINGS}:
        message = f"Successfully created {resource.kind} {body['metadata']['name']}"
        await site.events.normal(db.body, "Successful", message)


def _decoded(secret: Mapping[str, Body]) -> dict[str, str]:
    encoded = secret.get("data") or {}
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in encoded.items()}
