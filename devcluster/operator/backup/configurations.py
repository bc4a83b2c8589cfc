"""BackupConfiguration: what is backed up, where to and when. It makes the repositories and asks for the runs.

A run itself is a BackupSession; when one is due is worked out in `schedule.py`.
"""

from datetime import UTC, datetime

from devcluster.operator.backup import repositories, schedule, storages
from devcluster.operator.backup.bodies import (
    Place,
    is_leaving,
    owner_reference,
    phase_of,
    place_of,
    referred,
    session_name,
    status_of,
    with_condition,
)
from devcluster.operator.backup.cron import Cron, CronError
from devcluster.operator.backup.durations import read_time
from devcluster.operator.backup.kinds import (
    BACKUP_SESSIONS,
    CONFIGURATIONS,
    INVOKER_LABEL,
    REPOSITORIES,
    RETENTION_POLICIES,
    SESSION_LABEL,
    STORAGES,
)
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.targets import find_target
from devcluster.operator.kube import Body, ConflictError
from devcluster.operator.resources import SECRETS

NOT_READY_SECONDS = 2.0
BUSY_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 300.0
FIRST_RUN = "InitialBackupTriggered"


async def reconcile(scene: Scene, place: Place) -> float | None:
    """Bring repositories, status and due runs to what the configuration says."""
    body = await scene.find(CONFIGURATIONS, place)
    if body is None:
        return None
    if is_leaving(body):
        await _remove(scene, body)
        return None
    body = await scene.hold(CONFIGURATIONS, body)
    if error := _schedule_error(body):
        await scene.write_status(CONFIGURATIONS, body, {"phase": "Invalid", "conditions": _validated(body, error)})
        return None
    status = await _observe(scene, body)
    # The first run and the slots look at what was written before, so the phase comes first.
    sessions = status_of(body).get("sessions") or []
    body = await scene.write_status(CONFIGURATIONS, body, status)
    if status["phase"] != "Ready":
        return NOT_READY_SECONDS
    sessions = [await _ask_for_runs(scene, body, session, sessions) for session in body["spec"].get("sessions") or []]
    await scene.write_status(CONFIGURATIONS, body, {"sessions": sessions})
    return _pause_seconds(sessions)


def _schedule_error(body: Body) -> str:
    for session in body["spec"].get("sessions") or []:
        try:
            Cron(_expression(session))
        except CronError as error:
            return str(error)
    return ""


def _pause_seconds(sessions: list[Body]) -> float | None:
    """Give when the next slot is due; a first run that had to wait for another is looked at soon."""
    if any(one["nextSchedule"] and not _has_begun(one) for one in sessions):
        return BUSY_SECONDS
    due = [read_time(one["nextSchedule"]) for one in sessions if one["nextSchedule"]]
    if not due:
        return None
    return min(LONGEST_PAUSE_SECONDS, max(0.2, (min(due) - datetime.now(UTC)).total_seconds()))


async def start_session(
    scene: Scene, configuration: Body, session: str, moment: datetime, retry_left: int | None = None
) -> None:
    """Ask for a run: the same moment gives the same run, however often and by however many it is asked for."""
    meta, wanted = configuration["metadata"], session_of(configuration, session) or {}
    retries = int((wanted.get("retryConfig") or {}).get("maxRetry", 0)) if retry_left is None else retry_left
    spec: Body = {
        "invoker": {"apiGroup": "core.kubestash.com", "kind": "BackupConfiguration", "name": meta["name"]},
        "session": session,
        "retryLeft": retries,
    }
    if wanted.get("backupTimeout"):
        spec["backupTimeout"] = wanted["backupTimeout"]
    made: Body = {
        "metadata": {
            "name": session_name(meta["name"], session, int(moment.timestamp())),
            "namespace": meta["namespace"],
            "labels": {INVOKER_LABEL: meta["name"], SESSION_LABEL: session},
            "ownerReferences": [owner_reference(CONFIGURATIONS, configuration)],
        },
        "spec": spec,
    }
    try:
        await scene.site.kube.create(BACKUP_SESSIONS, made)
    except ConflictError:
        return  # asked for already


def session_of(configuration: Body, name: str) -> Body | None:
    """Give a session of a configuration by its name."""
    found = (one for one in configuration["spec"].get("sessions") or [] if one.get("name") == name)
    return next(found, None)


def backend_of(configuration: Body, name: str) -> Body:
    """Give a backend of a configuration by its name; without a name the first."""
    backends: list[Body] = configuration["spec"].get("backends") or [{}]
    return next((one for one in backends if one.get("name") == name), backends[0])


async def _observe(scene: Scene, body: Body) -> Body:
    """Look at all that the configuration refers to, and make its repositories."""
    namespace = body["metadata"]["namespace"]
    target = await find_target(scene.site, scene.engines, body["spec"].get("target"), namespace)
    backends = [await _backend(scene, one, namespace) for one in body["spec"].get("backends") or []]
    dependencies = await _secrets(scene, body)
    usable = target is not None and all(one["ready"] for one in backends)
    usable = usable and all(one["found"] for one in dependencies)
    made = await _repositories(scene, body) if usable else []
    ready = usable and all(one["phase"] == "Ready" for one in made)
    return {
        "phase": "Ready" if ready else "NotReady",
        "targetFound": target is not None,
        "backends": backends,
        "repositories": made,
        "dependencies": dependencies,
        "conditions": _validated(body, ""),
    }


async def _backend(scene: Scene, backend: Body, namespace: str) -> Body:
    storage_place = referred(backend.get("storageRef"), namespace)
    storage = await scene.find(STORAGES, storage_place)
    reason = ""
    if storage is None:
        reason = "BackupStorage is not found"
    elif not await storages.allows(scene, storage["spec"].get("usagePolicy"), place_of(storage).namespace, namespace):
        reason = f"BackupStorage does not allow namespace {namespace}"
    elif phase_of(storage) != "Ready":
        reason = "BackupStorage is not ready"
    described: Body = {"phase": "NotReady" if reason else "Ready", "reason": reason}
    described["ref"] = storage_place._asdict() if storage_place else {"name": ""}
    policy_place = referred(backend.get("retentionPolicy"), namespace)
    policy = await scene.find(RETENTION_POLICIES, policy_place)
    listed: Body = {"name": backend.get("name"), "storage": described}
    if policy_place is not None:
        listed["retentionPolicy"] = {"found": policy is not None, "ref": policy_place._asdict()}
    return {**listed, "ready": not reason and (policy_place is None or policy is not None)}


async def _secrets(scene: Scene, body: Body) -> list[Body]:
    """List the encryption secrets: without them no backup could be read, so there must not be one."""
    namespace, found = body["metadata"]["namespace"], []
    wanted = {
        place
        for session in body["spec"].get("sessions") or []
        for repository in session.get("repositories") or []
        if (place := referred(repository.get("encryptionSecret"), namespace)) is not None
    }
    for place in sorted(wanted):
        secret = await scene.find(SECRETS, place)
        found.append({"apiGroup": "", "kind": "Secret", **place._asdict(), "found": secret is not None})
    return found


async def _repositories(scene: Scene, body: Body) -> list[Body]:
    listed = []
    for session in body["spec"].get("sessions") or []:
        for wanted in session.get("repositories") or []:
            backend = backend_of(body, str(wanted.get("backend", "")))
            storage = referred(backend.get("storageRef"), body["metadata"]["namespace"])
            if storage is None:
                continue
            made = await repositories.ensure(scene, body, wanted, storage)
            if phase_of(made) != "Ready":
                await repositories.write_status(scene, made)
            listed.append({"name": wanted["name"], "phase": "NotReady" if is_leaving(made) else "Ready"})
    return listed


async def _ask_for_runs(scene: Scene, body: Body, session: Body, before: list[Body]) -> Body:
    """Ask for the first run and for those that are due, and say when the next one is."""
    name, now = str(session["name"]), datetime.now(UTC)
    known: Body = next((one for one in before if one.get("name") == name), {"name": name})
    conditions: list[Body] = known.get("conditions") or []
    idle = bool((session.get("scheduler") or {}).get("suspend")) or bool(body["spec"].get("paused"))
    if not _has_begun(known) and not idle and not await _is_busy(scene, body):
        await start_session(scene, body, name, read_time(body["metadata"]["creationTimestamp"]))
        conditions = with_condition(
            conditions, FIRST_RUN, holds=True, reason="SuccessfullyTriggered", message="The first backup was started."
        )
    expression = _expression(session)
    slots = schedule.look(known, Cron(expression), _deadline_seconds(session), now=now, idle=idle)
    for slot in slots.missed:
        await schedule.report_missed(scene, body, name, slot)
    if slots.due is not None:
        await start_session(scene, body, name, slots.due)
    conditions = with_condition(
        conditions, schedule.ENSURED, holds=True, reason="SuccessfullyEnsured", message=schedule.noted(expression)
    )
    upcoming = slots.upcoming.strftime("%Y-%m-%dT%H:%M:%SZ") if slots.upcoming else ""
    return {"name": name, "nextSchedule": upcoming, "conditions": conditions}


def _has_begun(session_status: Body) -> bool:
    return any(one["type"] == FIRST_RUN for one in session_status.get("conditions") or [])


async def _is_busy(scene: Scene, body: Body) -> bool:
    """Tell whether a run is going on: a first run that comes at the same time would only be skipped."""
    place = place_of(body)
    runs = await scene.site.kube.list_all(BACKUP_SESSIONS, place.namespace)
    return any(
        one["spec"]["invoker"]["name"] == place.name and phase_of(one) in {"", "Pending", "Running"} for one in runs
    )


def _expression(session: Body) -> str:
    return str((session.get("scheduler") or {}).get("schedule", ""))


def _deadline_seconds(session: Body) -> int:
    given = (session.get("scheduler") or {}).get("startingDeadlineSeconds")
    return int(given) if given is not None else schedule.DEADLINE_SECONDS


def _validated(body: Body, error: str) -> list[Body]:
    reason = "ResourceValidationFailed" if error else "ResourceValidationPassed"
    message = error or "The configuration is valid."
    before = status_of(body).get("conditions")
    return with_condition(before, "ValidationPassed", holds=not error, reason=reason, message=message)


async def _remove(scene: Scene, body: Body) -> None:
    """The repositories go as each one's policy says; one to be retained stays."""
    namespace = body["metadata"]["namespace"]
    for session in body["spec"].get("sessions") or []:
        for repository in session.get("repositories") or []:
            if repository.get("deletionPolicy") != "Retain":
                await scene.site.kube.delete(REPOSITORIES, namespace, str(repository["name"]))
    await scene.release(CONFIGURATIONS, body)
