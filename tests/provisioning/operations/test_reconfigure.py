"""That only known settings with valid values reach KubeDB, and that `null` takes a setting back."""

from typing import Any

import pytest

from accounts.models import User
from provisioning.cluster.kinds import kind_of
from provisioning.engine import Body
from provisioning.models import Database
from provisioning.ops_requests import API_VERSION
from provisioning.orders import InvalidOrder
from tests.provisioning.operations.scenes import ask
from tests.provisioning.stage import Stage


def requests(stage: Stage, database: Database) -> list[Body]:
    """Return the `configuration` of all requests to the database, oldest first."""
    bodies, _ = stage.kube.list(kind_of(API_VERSION, "PostgresOpsRequest"), namespace=database.namespace)
    own = [body for body in bodies if body["spec"]["databaseRef"]["name"] == database.object_name]
    return [
        body["spec"]["configuration"] for body in sorted(own, key=lambda one: int(one["metadata"]["resourceVersion"]))
    ]


def test_that_settings_are_added_to_those_before_and_null_takes_one_back(
    alice: User, database: Database, stage: Stage
) -> None:
    for settings in ({"max_connections": 200}, {"work_mem": 8192}, {"max_connections": None}, {"work_mem": None}):
        ended = stage.play(ask(alice, database, "reconfigure", {"parameters": settings}))
        assert ended.state == "succeeded"

    asked = requests(stage, database)
    assert [one.get("applyConfig") for one in asked] == [
        {"user.conf": "max_connections = 200\n"},
        {"user.conf": "max_connections = 200\nwork_mem = 8192\n"},
        {"user.conf": "work_mem = 8192\n"},
        None,
    ]
    assert [one.get("removeCustomConfig", False) for one in asked] == [False, False, True, True]
    assert Database.objects.get().parameters == {}


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        ({"fsync": "off"}, [("parameters.fsync", "unknown_parameter")]),
        ({"max_connections": 1}, [("parameters.max_connections", "out_of_range")]),
        ({"max_connections": "200"}, [("parameters.max_connections", "invalid_type")]),
        ({"wal_level": "minimal"}, [("parameters.wal_level", "invalid_choice")]),
        ({}, [("parameters", "nothing_to_do")]),
        ({"work_mem": None}, [("parameters", "nothing_to_do")]),
        ({"a": 1, "work_mem": True}, [("parameters.a", "unknown_parameter"), ("parameters.work_mem", "invalid_type")]),
    ],
)
def test_that_every_wrong_setting_is_named(
    alice: User, database: Database, settings: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidOrder) as refused:
        ask(alice, database, "reconfigure", {"parameters": settings})

    assert [(error.field, error.code) for error in refused.value.errors] == problems
    assert Database.objects.get().active_operation_id is None
