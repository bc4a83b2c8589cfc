"""RotateAuth: another password for the administrator, in the servers and in the auth secret.

The password that comes next is written into the secret before any server learns it, so that a killed operator never
locks everybody out.
"""

import base64

from devcluster.operator.database import Database
from devcluster.operator.kube import Body
from devcluster.operator.making import make_login
from devcluster.operator.objects import password
from devcluster.operator.ops.change import Change
from devcluster.operator.ops.request import RequestFailedError
from devcluster.operator.ops.rollout import Rollout
from devcluster.operator.phases import timestamp
from devcluster.operator.resources import SECRETS

ACTIVE_FROM_ANNOTATION = "kubedb.com/auth-active-from"
ROTATED_BY_ANNOTATION = "devcluster.local/rotated-by"
CREDENTIAL = "UpdateCredential"


class RotateAuth(Change):
    """The type RotateAuth."""

    type = "RotateAuth"

    async def apply(self, rollout: Rollout, target: Database) -> None:
        """Change the password in the running servers, then in the secret, and restart all pods with it."""
        if not rollout.engine.username(target):
            raise RequestFailedError("The database is running in disable auth mode")
        secret = await self._announced(rollout)
        if not _is_done(rollout, secret):
            workload, _ = await rollout.prepare(target)
            following = _text(secret, "password.next")
            if rollout.engine.running_version(target) is not None:
                await rollout.engine.change_password(workload, following)
            await _exchange(rollout, secret)
        await rollout.progress.note(CREDENTIAL, "Successfully updated the credential")
        await rollout.restart(target)

    async def _announced(self, rollout: Rollout) -> Body:
        """Give the auth secret with the password that comes next in it."""
        site, db = rollout.workloads.site, rollout.db
        await make_login(site, rollout.engine, db)
        secret = await site.kube.get(SECRETS, db.namespace, db.auth_secret_name)
        if _is_done(rollout, secret) or "password.next" in (secret.get("data") or {}):
            return secret
        following = await _given(rollout, _text(secret, "username"))
        data = {key: _encoded(value) for key, value in following.items()}
        return await site.kube.patch(SECRETS, db.namespace, db.auth_secret_name, {"data": data})


async def _given(rollout: Rollout, username: str) -> dict[str, str]:
    """Take the credentials of the secret that the request names, or make a new password."""
    reference = rollout.request.block("authentication").get("secretRef") or {}
    if not (name := reference.get("name")):
        return {"username.next": username, "password.next": password()}
    found = await rollout.workloads.site.kube.find(SECRETS, rollout.db.namespace, name)
    if found is None or not _text(found, "password"):
        raise RequestFailedError(f"Secret {name} is not found, or has no password")
    if _text(found, "username") not in {"", username}:
        raise RequestFailedError("The database username cannot be changed")
    return {"username.next": username, "password.next": _text(found, "password")}


async def _exchange(rollout: Rollout, secret: Body) -> None:
    data = secret["data"]
    changed = {
        "username": data["username.next"],
        "password": data["password.next"],
        "username.prev": data["username"],
        "password.prev": data["password"],
        "username.next": None,
        "password.next": None,
    }
    annotations = {ACTIVE_FROM_ANNOTATION: timestamp(), ROTATED_BY_ANNOTATION: rollout.request.uid}
    patch = {"metadata": {"annotations": annotations}, "data": changed}
    await rollout.workloads.site.kube.patch(SECRETS, rollout.db.namespace, secret["metadata"]["name"], patch)


def _is_done(rollout: Rollout, secret: Body) -> bool:
    annotations = secret["metadata"].get("annotations") or {}
    return bool(annotations.get(ROTATED_BY_ANNOTATION) == rollout.request.uid)


def _text(secret: Body, key: str) -> str:
    return base64.b64decode((secret.get("data") or {}).get(key, "")).decode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


CHANGE = RotateAuth
