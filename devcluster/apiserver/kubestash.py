"""What KubeStash's webhooks check: that a configuration is complete and fits its storage, that a run is never changed."""

from collections.abc import Iterator, Sequence

import orjson

from devcluster.apiserver.errors import Body, denied_by_webhook
from devcluster.apiserver.kubedb import Context

CORE, STORAGE = "core.kubestash.com", "storage.kubestash.com"
GROUPS = frozenset({CORE, STORAGE})


def check(old: Body | None, new: Body, context: Context) -> None:
    """Let a new or changed object pass.

    Raises: ApiError — 403 with the webhook's text.
    """
    # What an archiver makes for a database goes with it, and may keep everything.
    is_made = bool(new["metadata"].get("ownerReferences"))
    for text in _refusals(old, new["spec"], context, is_made=is_made):
        raise denied_by_webhook(f"validators.{CORE if context.kind in _CORE_KINDS else STORAGE}", text)


_CORE_KINDS = frozenset({"BackupConfiguration", "BackupSession", "RestoreSession"})


def _refusals(old: Body | None, spec: Body, context: Context, *, is_made: bool) -> Iterator[str]:
    before: Body = (old or {}).get("spec") or {}
    if context.kind == "BackupSession" and old is not None and before != spec:
        yield "BackupSession spec is immutable"
    if context.kind == "Repository" and old is not None and before.get("path") != spec.get("path"):
        yield "spec.path: Invalid value: field is immutable"
    if context.kind == "RestoreSession":
        yield from _restore(spec)
    if context.kind == "BackupConfiguration":
        yield from _configuration(spec, context)
        if not is_made and not all(one.get("retentionPolicy") for one in spec.get("backends") or []):
            yield from _default_policy(context)


def _restore(spec: Body) -> Iterator[str]:
    source = spec.get("dataSource") or {}
    if not source.get("snapshot") and not source.get("pitr"):
        yield "spec.dataSource.snapshot can not be empty unless spec.dataSource.pitr is given"
    if source.get("snapshot") == "latest" and not source.get("repository"):
        yield "spec.dataSource.repository is required for snapshot latest"
    if not (spec.get("addon") or {}).get("name"):
        yield "spec.addon.name can not be empty"


def _configuration(spec: Body, context: Context) -> Iterator[str]:
    backends, sessions = spec.get("backends") or [], spec.get("sessions") or []
    if not backends:
        yield "spec.backends: at least one backend is required"
    if not sessions:
        yield "spec.sessions: at least one session is required"
    yield from _doubled("backend", [one.get("name") for one in backends])
    yield from _doubled("session", [one.get("name") for one in sessions])
    for backend in backends:
        yield from _backend(backend, context)
    for session in sessions:
        yield from _session(session)
    repositories = [one for session in sessions for one in session.get("repositories") or []]
    yield from _repositories(spec, repositories, {one.get("name"): one for one in backends}, context)


def _doubled(what: str, names: Sequence[object]) -> Iterator[str]:
    for name in names:
        if not name or names.count(name) > 1:
            yield f"{what} name {name or ''!r} must be given and unique"
            return


def _session(session: Body) -> Iterator[str]:
    name, scheduler, addon = session.get("name"), session.get("scheduler") or {}, session.get("addon") or {}
    if not scheduler.get("schedule"):
        yield f"scheduler.schedule of session {name} can not be empty"
    if not addon.get("name") or not addon.get("tasks"):
        yield f"addon name and at least one task are required in session {name}"


def _backend(backend: Body, context: Context) -> Iterator[str]:
    """Check that storage and policy, where they exist already, let this namespace use them."""
    for field, plural in (("storageRef", "backupstorages"), ("retentionPolicy", "retentionpolicies")):
        reference = backend.get(field)
        if not reference:
            continue
        home = reference.get("namespace") or context.namespace
        found = context.find(f"{plural}.{STORAGE}", str(reference.get("name")), namespace=home)
        if found is not None and home != context.namespace and not _allows(found["spec"], context):
            yield f"namespace {context.namespace} is not allowed to use {field} {home}/{reference['name']}"


def _default_policy(context: Context) -> Iterator[str]:
    stored = context.store.list_objects(f"retentionpolicies.{STORAGE}")
    if not any(orjson.loads(body)["spec"].get("default") for _, body in stored):
        yield "a retentionPolicy must be given for each backend, since there is no default one"


def _allows(spec: Body, context: Context) -> bool:
    allowed = (spec.get("usagePolicy") or {}).get("allowedNamespaces") or {}
    if allowed.get("from") != "Selector":
        return bool(allowed.get("from") == "All")
    wanted = (allowed.get("selector") or {}).get("matchLabels") or {}
    namespace = context.find("namespaces", context.namespace, namespace="") or {"metadata": {}}
    return bool(wanted.items() <= (namespace["metadata"].get("labels") or {}).items())


def _repositories(
    spec: Body, repositories: Sequence[Body], backends: dict[object, Body], context: Context
) -> Iterator[str]:
    places = []
    for repository in repositories:
        name, backend = repository.get("name"), backends.get(repository.get("backend"))
        if backend is None:
            yield f"backend {repository.get('backend')} of repository {name} is not found"
            continue
        if not repository.get("directory"):
            yield f"directory of repository {name} can not be empty"
        places.append((str(backend.get("storageRef")), repository.get("directory")))
        found = context.find(f"repositories.{STORAGE}", str(name))
        target = {key: (spec.get("target") or {}).get(key) for key in ("kind", "name")}
        known = (found or {"spec": {"appRef": target}})["spec"].get("appRef") or {}
        if any(known.get(key) != value for key, value in target.items()):
            yield f"repository {name} exists already for {known.get('kind')} {known.get('name')}"
    for place in places:
        if places.count(place) > 1:
            yield f"directory {place[1]} is used more than once in a storage"
            return
