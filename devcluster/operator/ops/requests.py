"""Attends to the OpsRequests of a database: whose turn it is, who has to wait, how each ends, and what it leaves.

How servers change is in `rollout.py`. It runs inside the reconcile of the database, which nobody else does meanwhile.
"""

import logging
from dataclasses import replace

from devcluster.operator.database import Database
from devcluster.operator.engine import Engine, UnsuitableError
from devcluster.operator.events import Recorder
from devcluster.operator.kube import ApiError, Body, NotFoundError
from devcluster.operator.ops import backups, merging
from devcluster.operator.ops.change import load_changes
from devcluster.operator.ops.pausing import is_paused_by_us, pause, unpause
from devcluster.operator.ops.request import Progress, Request, RequestFailedError, RequestPhase
from devcluster.operator.ops.rollout import ROLL_BACK, Rollout
from devcluster.operator.ops.specs import patch_between
from devcluster.operator.ops.turns import Turn, take_turns
from devcluster.operator.phases import Phase
from devcluster.operator.probes import RedisError
from devcluster.operator.processes import ServerError
from devcluster.operator.resources import request_resource
from devcluster.operator.site import Key
from devcluster.operator.status import Status
from devcluster.operator.workloads import Workloads, marks

logger = logging.getLogger(__name__)

SOURCE = "KubeDB Ops-manager Operator"
FAILURES = (RequestFailedError, UnsuitableError, ServerError, RedisError)

REFUSED = (403, 422)


class OpsRequests:
    """The requests of all databases."""

    def __init__(self, workloads: Workloads) -> None:
        self._workloads = workloads
        self._kube = workloads.site.kube
        self._events = Recorder(self._kube, component=SOURCE)
        self._changes = load_changes()
        self._noted: set[Key] = set()

    def note(self, key: Key) -> None:
        """Remember that a database has a request to attend to."""
        self._noted.add(key)

    async def attend(self, engine: Engine, db: Database) -> tuple[Database, bool]:
        """Carry out the request whose turn it is; give the database as it is then, and whether requests wait."""
        key = (engine.plural, db.namespace, db.name)
        if key not in self._noted and not is_paused_by_us(db):
            return db, False
        turn = take_turns(await self._live(engine, db))
        if turn.merge:
            await merging.merge(self._kube, request_resource(engine.kind), db, turn.merge)
            turn = take_turns(await self._live(engine, db))
        await self._pass_over(engine, turn)
        for request in turn.waiting:
            await self._wait(engine, request, "Another OpsRequest of the database comes first")
        if turn.next is None:
            self._noted.discard(key)
            if is_paused_by_us(db):
                await unpause(self._status(engine, db))
            return db, False
        self._noted.add(key)
        if turn.next.phase != RequestPhase.PROGRESSING and (why := await self._obstacle(db, turn.next)):
            await self._wait(engine, turn.next, why)
            return db, True
        try:
            await self._carry_out(engine, db, turn.next)
        except NotFoundError:
            logger.info("%s %s/%s is gone", turn.next.type, db.namespace, turn.next.name)
        return await self._reread(engine, db), True

    async def _live(self, engine: Engine, db: Database) -> list[Request]:
        bodies = await self._kube.list_all(request_resource(engine.kind), db.namespace)
        requests = [Request(body) for body in bodies if not body["metadata"].get("deletionTimestamp")]
        return [request for request in requests if request.database == db.name and request.is_live]

    async def _reread(self, engine: Engine, db: Database) -> Database:
        body = await self._kube.get(engine.resource, db.namespace, db.name)
        version = await self._kube.get(engine.versions, "", str(body["spec"]["version"]))
        return replace(db, body=body, version=version)

    async def _pass_over(self, engine: Engine, turn: Turn) -> None:
        for request, newer in turn.passed_over:
            await self._skip(engine, request, "Skipped", f"The newer {newer.type} request {newer.name} replaces it")
        for request, merged in turn.merged:
            await self._skip(engine, request, "ConfigurationMerged", f"It has become part of {merged.name}")

    async def _skip(self, engine: Engine, request: Request, reason: str, message: str) -> None:
        progress = self._progress(engine, request)
        await progress.write({"Skipped": (True, reason, message)}, phase=RequestPhase.SKIPPED)
        await self._events.normal(progress.body, reason, message)

    async def _wait(self, engine: Engine, request: Request, why: str) -> None:
        progress = self._progress(engine, request)
        await progress.write({"Pending": (True, "Waiting", why)}, phase=RequestPhase.PENDING)

    async def _obstacle(self, db: Database, request: Request) -> str:
        """Say why a request cannot start now; empty when it can."""
        if db.spec.get("halted"):
            return "The database is halted"
        if not request.always and (db.body.get("status") or {}).get("phase") != Phase.READY:
            return "The database is not ready"
        session = await backups.busy_session(self._kube, db)
        return f"{session} is not finished" if session else ""

    async def _carry_out(self, engine: Engine, db: Database, request: Request) -> None:
        progress = self._progress(engine, request)
        rollout = Rollout(
            workloads=self._workloads,
            engine=engine,
            db=db,
            request=request,
            progress=progress,
            status=self._status(engine, db),
        )
        await self._begin(rollout)
        target, failure = db, _said(progress)
        if not failure:
            try:
                target = await self._target(rollout)
                await self._changes[request.type].apply(rollout, target)
                await self._commit(rollout, target)
            except FAILURES as error:
                failure = str(error)
        if failure:
            failure = await self._roll_back(rollout, target, failure)
        await self._end(rollout, failure)

    async def _commit(self, rollout: Rollout, target: Database) -> None:
        """Write into the database what its servers are now. Raises: RequestFailedError — admission refuses it."""
        patch: Body = {"metadata": {"annotations": marks(rollout.engine, target)}}
        if spec := patch_between(rollout.db.spec, target.spec):
            patch["spec"] = spec
        try:
            body = await self._kube.patch(rollout.engine.resource, target.namespace, target.name, patch)
        except ApiError as error:
            if error.status in REFUSED:
                raise RequestFailedError(str(error)) from error
            raise
        rollout.status.body = body

    async def _begin(self, rollout: Rollout) -> None:
        """Everything here is repeated by an operator that was killed, and changes nothing then."""
        progress, request = rollout.progress, rollout.request
        if progress.condition(request.type) is None:
            paused = await backups.to_pause(self._kube, rollout.db)
            message = f"{rollout.engine.kind} ops-request has started: {request.type}"
            changes = {request.type: (True, request.type, message)}
            if progress.condition("Pending"):
                changes["Pending"] = (False, "Started", "It is carried out")
            await progress.write(
                changes, phase=RequestPhase.PROGRESSING, more={"pausedBackups": paused} if paused else {}
            )
            await self._events.normal(progress.body, "Starting", f"Started {request.type} of {rollout.db.name}")
        await pause(rollout.status, request)
        await backups.pause(self._kube, _paused_backups(progress))

    async def _target(self, rollout: Rollout) -> Database:
        change = self._changes.get(rollout.request.type)
        if change is None:
            raise RequestFailedError(f"Requests of the type {rollout.request.type} are not supported")
        return await change.target(rollout)

    async def _roll_back(self, rollout: Rollout, target: Database, failure: str) -> str:
        """Bring the servers back to what they were, and give all that went wrong."""
        await rollout.progress.note(ROLL_BACK, failure, status=False, reason="RollingBack")
        try:
            workload, _ = await rollout.prepare(target)
            if not await rollout.engine.can_go_back(workload, rollout.db):
                await self._commit(rollout, target)
                return failure
            await rollout.roll_back()
        except FAILURES as error:
            return f"{failure} The former state did not come back either: {error}"
        return failure

    async def _end(self, rollout: Rollout, failure: str) -> None:
        db, progress, request = rollout.db, rollout.progress, rollout.request
        await backups.resume(self._kube, _paused_backups(progress))
        await unpause(rollout.status)
        ended = RequestPhase.FAILED if failure else RequestPhase.SUCCESSFUL
        message = failure or f"Successfully completed the {request.type} of {db.name}"
        changes = {str(ended): (True, str(ended), message)}
        await progress.write(changes, phase=ended)
        tell = self._events.warning if failure else self._events.normal
        await tell(progress.body, str(ended), message)

    def _progress(self, engine: Engine, request: Request) -> Progress:
        return Progress(kube=self._kube, resource=request_resource(engine.kind), body=request.body)

    def _status(self, engine: Engine, db: Database) -> Status:
        return Status(kube=self._kube, resource=engine.resource, body=db.body)


def _paused_backups(progress: Progress) -> list[Body]:
    return list((progress.body.get("status") or {}).get("pausedBackups") or [])


def _said(progress: Progress) -> str:
    """Give why an earlier operator began to roll back; empty when it did not."""
    found = progress.condition(ROLL_BACK)
    return str(found["message"]) if found is not None else ""
