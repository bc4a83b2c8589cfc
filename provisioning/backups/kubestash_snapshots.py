"""What KubeStash's Snapshots say of copies. Source: kubestash/apimachinery apis/storage (v1alpha1)."""

import re
from datetime import datetime

from provisioning.backups.driver import Outcome, Seen, moment, phase_of
from provisioning.cluster.ownership import annotation_of, is_being_deleted
from provisioning.engine import Body

APP = "kubestash.com/app-ref"
"""Prefix of the labels that say which database a Snapshot was taken of."""
OUTCOMES = {
    "Succeeded": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
    "Invalid": Outcome.FAILED,
    "Skipped": Outcome.SKIPPED,
}
_SIZE = re.compile(r"(?P<number>[0-9.]+)\s*(?P<unit>[KMGTP]?i?B)")
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50}
_SHA256 = "devcluster.local/sha256"
"""Written by the pocket cluster only; restic keeps its checksums to itself."""


def is_of_our_sessions(body: Body) -> bool:
    """Tell whether a session of ours took it, and not the archiver."""
    name = (body["metadata"].get("labels") or {}).get(f"{APP}-name", "")
    return body["spec"].get("repository") in (f"{name}-manual", f"{name}-scheduled")


def taken_at(body: Body) -> datetime | None:
    """Return when it was taken."""
    return moment((body.get("status") or {}).get("snapshotTime") or body["metadata"].get("creationTimestamp"))


def log_ends(body: Body) -> list[datetime]:
    """Return how far the logs reach that are kept beside it."""
    components = ((body.get("status") or {}).get("components") or {}).values()
    ends = (moment((component.get("logStats") or {}).get("end")) for component in components)
    return [end for end in ends if end]


def seen_in(body: Body) -> Seen:
    """Return what is known of the copy."""
    spec, status = body["spec"], body.get("status") or {}
    components = (status.get("components") or {}).values()
    errors = [str(component["error"]) for component in components if component.get("error")]
    labels = body["metadata"]["labels"]
    return Seen(
        object_name=labels[f"{APP}-name"],
        snapshot=body["metadata"]["name"],
        repository=spec["repository"],
        run=str(spec.get("backupSession", "")),
        is_scheduled=str(spec["repository"]).endswith("-scheduled"),
        outcome=OUTCOMES.get(phase_of(body), Outcome.RUNNING),
        at=taken_at(body),
        size_bytes=_bytes(str(status.get("size", ""))),
        version=annotation_of(body, "kubedb.com/db-version"),
        checksum=annotation_of(body, _SHA256)[:100],
        error="; ".join(errors)[:1000],
        is_leaving=is_being_deleted(body),
    )


def _bytes(text: str) -> int | None:
    """Read a size such as `2.173 KiB`."""
    found = _SIZE.fullmatch(text.strip())
    return int(float(found["number"]) * _UNITS.get(found["unit"], 1)) if found else None
