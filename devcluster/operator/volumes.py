"""The folders behind the volume claims: what a persistent volume is to a real cluster.

A folder belongs to one claim by its uid. A claim that was deleted and made again starts with an empty volume, however
the deletion went; whether a claim is deleted is decided in `deletion.py`.
"""

import asyncio
import contextlib
import shutil
from pathlib import Path


class Volumes:
    """The volumes under one data folder."""

    def __init__(self, root: Path) -> None:
        self._claims = root / "volumes"
        self._ephemeral = root / "ephemeral"

    def for_claim(self, namespace: str, claim: str, uid: str) -> Path:
        """Give the claim's folder, made if missing; what an earlier claim of the same name left there is removed."""
        folder = self.of_claim(namespace, claim)
        owner = folder / "claim-uid"
        if folder.exists() and (not owner.exists() or owner.read_text() != uid):
            shutil.rmtree(folder)
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            owner.write_text(uid)
        return folder

    def of_claim(self, namespace: str, claim: str) -> Path:
        """Give where the claim's folder is, whether it exists or not."""
        return self._claims / namespace / claim

    def for_pod(self, namespace: str, pod: str) -> Path:
        """Give the folder of a pod whose data goes with it, made if missing."""
        folder = self._ephemeral / namespace / pod
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    async def remove_claim(self, namespace: str, claim: str) -> None:
        """Remove the data of a claim; no server may use it any more."""
        await _remove(self.of_claim(namespace, claim))

    async def remove_pod(self, namespace: str, pod: str) -> None:
        """Remove the data that goes with a pod."""
        await _remove(self._ephemeral / namespace / pod)


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    # Other volumes of the namespace may still be there, or there never was one.
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
