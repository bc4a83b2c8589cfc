"""That a pause stops everything in an order that loses nothing, and that resume, or a cancel, brings all of it back."""

from collections.abc import Callable

import pytest

from accounts.models import User
from provisioning.backups import driver_of
from provisioning.cluster.kinds import Ref
from provisioning.engine import Body
from provisioning.models import Database, Operation
from tests.provisioning.operations.scenes import POLICY, SENTINELS, ask, check_quota
from tests.provisioning.stage import Stage
from tests.provisioning.stage_operator import SENTINEL

Ordered = Callable[..., Operation]


def paused(alice: User, stage: Stage, database: Database) -> Operation:
    ended = stage.play(ask(alice, database, "pause"))
    assert ended.state == "succeeded", ended.error_detail
    return ended


def spec_of(stage: Stage, database: Database) -> Body:
    body = stage.body(database)
    assert body is not None
    return dict(body["spec"])


def sentinels(stage: Stage, database: Database) -> Body:
    body = stage.kube.get(Ref(kind=SENTINEL, name=f"{database.object_name}-sentinel", namespace=database.namespace))
    assert body is not None
    return dict(body["spec"])


def are_backups_paused(stage: Stage, database: Database) -> bool:
    body = stage.kube.get(driver_of(database.cluster).configuration_ref(database))
    assert body is not None
    return bool(body["spec"]["paused"])


def test_that_a_paused_database_has_no_address_and_keeps_its_quota(
    alice: User, database: Database, stage: Stage
) -> None:
    ended = paused(alice, stage, database)

    now = ended.database
    assert (now.state, now.phase, now.endpoint_host, now.endpoint_port) == ("paused", "Halted", "", None)
    assert spec_of(stage, now)["deletionPolicy"] == "Halt"
    check_quota(now)


def test_that_resume_brings_address_and_protection_back(alice: User, database: Database, stage: Stage) -> None:
    paused(alice, stage, database)

    ended = stage.play(ask(alice, database, "resume"))

    now = ended.database
    assert (ended.state, now.state, now.phase) == ("succeeded", "ready", "Ready")
    assert (now.endpoint_host, now.endpoint_port) == ("127.0.0.1", stage.node_port(now))
    assert spec_of(stage, now)["deletionPolicy"] == "DoNotTerminate"
    assert not spec_of(stage, now)["halted"]
    check_quota(now)


def test_that_backups_rest_with_the_database(alice: User, database: Database, stage: Stage) -> None:
    stage.play(ask(alice, database, "backup_policy", POLICY))

    paused(alice, stage, database)
    meanwhile = are_backups_paused(stage, database)
    stage.play(ask(alice, database, "resume"))

    assert meanwhile
    assert not are_backups_paused(stage, database)


def test_that_a_region_without_backups_pauses_all_the_same(alice: User, database: Database, stage: Stage) -> None:
    type(stage.cluster).objects.update(backup_driver="")

    assert paused(alice, stage, database).database.state == "paused"


def test_that_sentinels_stop_after_the_servers_and_start_before_them(
    alice: User, ordered: Ordered, stage: Stage
) -> None:
    database = stage.provision(ordered(**SENTINELS)).database
    pausing = ask(alice, database, "pause")
    stage.work(pausing)
    halted_first = spec_of(stage, database)["halted"], sentinels(stage, database).get("halted", False)
    stage.play(pausing)

    resuming = ask(alice, database, "resume")
    stage.work(resuming)
    woken_first = not spec_of(stage, database)["halted"], not sentinels(stage, database)["halted"]
    ended = stage.play(resuming)

    assert (halted_first, woken_first) == ((True, False), (False, True))
    assert ended.database.state == "ready"
    assert sentinels(stage, database)["deletionPolicy"] == "DoNotTerminate"


@pytest.mark.parametrize("kind", ["pause", "resume"])
def test_that_a_database_whose_object_is_gone_cannot_be_halted_or_woken(
    alice: User, database: Database, stage: Stage, kind: str
) -> None:
    if kind == "resume":
        paused(alice, stage, database)
    stage.kube.merge(stage.ref(database), {"spec": {"deletionPolicy": "Delete"}})
    body = stage.body(database)
    assert body is not None
    stage.kube.delete(stage.ref(database), uid=body["metadata"]["uid"])

    stuck = stage.play(ask(alice, database, kind))

    assert (stuck.state, stuck.error_code) == ("stuck", "database.object_missing")
    assert stuck.undo_deadline_at is not None, "the way back is blocked too: a person must look"


def test_that_a_database_that_is_paused_can_be_deleted(alice: User, database: Database, stage: Stage) -> None:
    paused(alice, stage, database)

    ended = stage.play(ask(alice, database, "delete"))

    assert (ended.state, stage.body(database)) == ("succeeded", None)
    check_quota(ended.database)


def test_that_kubedb_says_how_far_it_is(alice: User, database: Database, stage: Stage) -> None:
    waiting = stage.work(ask(alice, database, "pause"))

    assert waiting.step == "stop_servers"
    assert waiting.waiting_for.startswith("Postgres: KubeDB reports Ready")
