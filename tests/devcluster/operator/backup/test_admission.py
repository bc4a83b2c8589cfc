"""What is refused before the operator ever sees it."""

from typing import Any

import httpx
import pytest

from tests.devcluster.operator.backup.stage import CORE
from tests.devcluster.operator.conftest import Namespace

STORAGE_REF = {"name": "dbaas", "namespace": "dbaas-backup"}
REPOSITORY = {"name": "shop-manual", "backend": "main", "directory": "/shop"}
SESSION = {
    "name": "manual",
    "scheduler": {"schedule": "0 0 * * *", "jobTemplate": {}},
    "repositories": [REPOSITORY],
    "addon": {"name": "mysql-addon", "tasks": [{"name": "logical-backup"}]},
}
BACKEND = {"name": "main", "storageRef": STORAGE_REF, "retentionPolicy": {"name": "keep"}}


def refusal(tenant: Namespace, kind: str, spec: dict[str, Any]) -> str:
    body = {"apiVersion": "core.kubestash.com/v1alpha1", "kind": kind, "metadata": {"name": "one"}, "spec": spec}
    answer = tenant.client.post(f"{CORE}/{tenant.name}/{kind.lower()}s", json=body)
    assert answer.status_code == httpx.codes.FORBIDDEN, answer.text
    return str(answer.json()["message"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"backends": []}, "at least one backend"),
        ({"sessions": []}, "at least one session"),
        ({"backends": [BACKEND, BACKEND]}, "must be given and unique"),
        ({"backends": [{"name": "main", "storageRef": STORAGE_REF}]}, "retentionPolicy must be given"),
        ({"sessions": [{**SESSION, "scheduler": {"jobTemplate": {}}}]}, "scheduler.schedule"),
        ({"sessions": [{**SESSION, "addon": {"name": "mysql-addon"}}]}, "at least one task"),
        ({"sessions": [{**SESSION, "repositories": [{**REPOSITORY, "directory": ""}]}]}, "can not be empty"),
        ({"sessions": [SESSION, {**SESSION, "name": "other"}]}, "more than once"),
    ],
)
def test_that_an_incomplete_configuration_is_refused(tenant: Namespace, change: dict[str, Any], text: str) -> None:
    target = {"apiGroup": "kubedb.com", "kind": "MySQL", "name": "shop"}

    said = refusal(
        tenant, "BackupConfiguration", {"target": target, "backends": [BACKEND], "sessions": [SESSION], **change}
    )

    assert text in said


def test_that_a_restore_without_a_snapshot_is_refused(tenant: Namespace) -> None:
    said = refusal(tenant, "RestoreSession", {"dataSource": {"repository": "shop-manual"}, "addon": {"name": "x"}})

    assert "snapshot can not be empty" in said
