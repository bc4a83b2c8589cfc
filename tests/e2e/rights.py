"""What our accounts are granted by deploy/kubernetes/rbac.yaml, and what of it the pocket cluster has seen used."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from laptop.layout import ROOT
from tests.e2e.system import System

_TENANT = "-tenant"
_APPLIED = ("namespaces", "rolebindings", "resourcequotas", "limitranges", "backupconfigurations", "retentionpolicies")
"""Made by server-side apply: Kubernetes asks for `create` as well when there is none yet, the pocket cluster does not."""
_OVERTAKEN = (
    "backupsessions",
    "restoresessions",
    "postgresopsrequests",
    "mysqlopsrequests",
    "mongodbopsrequests",
    "redisopsrequests",
    "redissentinelopsrequests",
    "elasticsearchopsrequests",
)
"""Marked by an operation that turns back while an earlier request of its own may still arrive (`Run.overtake`)."""


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource, in tenants' namespaces or everywhere."""

    account: str
    verb: str
    group: str
    resource: str
    is_cluster_wide: bool


def granted() -> set[Right]:
    """Return every right that the manifest grants."""
    bodies = yaml.safe_load_all((ROOT / "deploy/kubernetes/rbac.yaml").read_text())
    return {right for body in bodies if body["kind"] == "ClusterRole" for right in _rights_of(body)}


def _rights_of(role: dict[str, Any]) -> Iterator[Right]:
    name = role["metadata"]["name"]
    account, is_cluster_wide = name.removesuffix(_TENANT), not name.endswith(_TENANT)
    for rule in role["rules"]:
        for group, resource, verb in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"]):
            yield Right(account, verb, group, resource, is_cluster_wide)


def used(system: System) -> set[Right]:
    """Return every right that was used so far; one that is granted everywhere counts as used in a namespace, too."""
    wide = {right for right in granted() if right.is_cluster_wide}
    found: set[Right] = set()
    for line in (system.data_dir / "cluster/uses.jsonl").read_text(encoding="utf-8").splitlines():
        use = json.loads(line)
        namespace, _, account = use.pop("account").partition(":")
        if namespace == "dbaas-system":
            right = Right(account=account, **use)
            everywhere = Right(account=account, **{**use, "is_cluster_wide": True})
            found |= {right} if right in granted() else {everywhere} & wide
    return found | {
        replace(right, verb="create") for right in found if right.verb == "patch" and right.resource in _APPLIED
    }


def for_rare_cases() -> set[Right]:
    """Return what is granted for what no story meets: late requests, leaks, and what Kubernetes asks of whoever binds a role."""
    worker = {right for right in granted() if right.account == "dbaas-worker"}
    marking = {right for right in worker if right.verb == "patch" and right.resource in _OVERTAKEN}
    late = {right for right in worker if (right.verb, right.resource) == ("delete", "backupsessions")}
    return marking | late | {right for right in worker if right.verb == "bind"}
