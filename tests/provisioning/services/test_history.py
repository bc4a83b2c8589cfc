"""That what happened to a database is told by all sources in one list, and by ours alone where the cluster is silent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from provisioning.cluster.client import Gateway
from provisioning.models import Cluster, Database, Operation, OperationEvent
from provisioning.selectors import DatabaseNotFound
from provisioning.services.history import Event, Source, read_history
from provisioning.upkeep import tell as tell_product
from tests import cast
from tests.provisioning.stage import Stage

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def tell(kube: Gateway, database: Database, name: str, *, at: datetime = AT, about: str = "", **event: Any) -> None:
    """Write an event as Kubernetes keeps it."""
    involved = {"kind": "Pod", "name": about or database.object_name, "namespace": database.namespace}
    kube.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{database.object_name}.{name}", "namespace": database.namespace},
            "involvedObject": involved,
            "type": "Normal",
            "reason": "Scheduled",
            "message": "Told.",
            "lastTimestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **event,
        }
    )


def tell_of_end(database: Database, message: str, *, at: datetime) -> None:
    """Write an event as the product's own upkeep does."""
    tell_product(database, message, "ExpiresSoon", message, is_warning=True, now=at)


def history(user: User, database: Database, *, limit: int = 200, before: datetime | None = None) -> list[Event]:
    return list(read_history(cast.acting(user), database.id, limit=limit, before=before).events)


def test_that_all_sources_are_told_newest_first(alice: User, database: Database, kube: Gateway) -> None:
    tell(kube, database, "one", about=f"{database.object_name}-0", type="Warning", reason="Unhealthy", count=3)
    tell_of_end(database, "It ends tomorrow.", at=AT)

    found = history(alice, database)

    assert {event.source for event in found} == set(Source)
    assert [event.at for event in found] == sorted((event.at for event in found), reverse=True)
    (pod,) = [event for event in found if event.source is Source.KUBERNETES]
    assert (pod.at, pod.is_warning, pod.reason, pod.count) == (AT, True, "Unhealthy", 3)
    (product,) = [event for event in found if event.source is Source.PRODUCT]
    assert (product.at, product.is_warning, product.message) == (AT, True, "It ends tomorrow.")
    (condition,) = [event for event in found if event.source is Source.CONDITION]
    assert (condition.is_warning, condition.message) == (False, "It is Ready.")
    assert OperationEvent.objects.count() == len([event for event in found if event.operation_id])


def test_that_events_of_others_are_left_out(alice: User, database: Database, kube: Gateway) -> None:
    tell(kube, database, "other", about="somebody-elses")
    tell(kube, database, "longer", about=f"{database.object_name}x")

    assert not [event for event in history(alice, database) if event.source is Source.KUBERNETES]


def test_that_secrets_are_taken_out_and_messages_cut(alice: User, database: Database, kube: Gateway) -> None:
    tell(kube, database, "one", message="password=canary " + "x" * 1000)

    (event,) = [event for event in history(alice, database) if event.source is Source.KUBERNETES]

    assert "canary" not in event.message
    assert len(event.message) == 500


def test_that_newer_forms_of_events_are_read(alice: User, database: Database, kube: Gateway) -> None:
    later = AT + timedelta(minutes=5)
    series = {"count": 7, "lastObservedTime": later.strftime("%Y-%m-%dT%H:%M:%S.000000Z")}
    tell(kube, database, "series", lastTimestamp=None, series=series)
    tell(kube, database, "single", lastTimestamp=None, eventTime="2026-01-31T12:01:00.000000Z")
    tell(kube, database, "odd", lastTimestamp="soon")

    found = [event for event in history(alice, database) if event.source is Source.KUBERNETES]

    assert [(event.at, event.count) for event in found] == [(later, 7), (AT + timedelta(minutes=1), 1)]


def test_that_false_conditions_are_warnings_unless_false_is_fine(alice: User, database: Database, stage: Stage) -> None:
    changed = {"status": "False", "lastTransitionTime": "2026-01-31T12:00:00Z"}
    conditions = [
        {"type": "Ready", **changed},
        {"type": "Paused", **changed},
        {**changed, "type": "Odd", "lastTransitionTime": "soon"},
    ]
    status = {"phase": "NotReady", "conditions": conditions}
    ref = stage.ref(database)
    stage.kube.merge(type(ref)(kind=ref.kind, name=f"{ref.name}/status", namespace=ref.namespace), {"status": status})

    found = [event for event in history(alice, database) if event.source is Source.CONDITION]

    assert {(event.message, event.is_warning) for event in found} == {
        ("Ready is False.", True),
        ("Paused is False.", False),
    }


def test_that_pages_leave_nothing_out_and_tell_nothing_twice(alice: User, database: Database, kube: Gateway) -> None:
    for number in range(7):
        tell(kube, database, f"event-{number}", at=AT + timedelta(seconds=number // 2))
    whole = history(alice, database)
    paged: list[Event] = []
    before: datetime | None = None
    while True:
        page = read_history(cast.acting(alice), database.id, limit=3, before=before)
        paged += page.events
        before = page.next_before
        if before is None:
            break

    assert len(whole) > 10
    assert paged == whole


def test_that_ours_are_told_where_the_cluster_is_silent(alice: User, database: Database) -> None:
    Cluster.objects.filter(pk=database.cluster_id).update(kubeconfig_path="/nonexistent/kubeconfig")

    found = read_history(cast.acting(alice), database.id, limit=50, before=None)

    assert {event.source for event in found.events} == {Source.OPERATION}
    assert "cannot be read" in found.missing_because


def test_that_trouble_in_an_operation_is_a_warning(alice: User, database: Database) -> None:
    operation = Operation.objects.get(database=database)
    OperationEvent.objects.create(operation=operation, seq=90, at=AT, event="retried", message="Again.")

    found = history(alice, database)

    assert [event.reason for event in found if event.is_warning] == ["retried"]


def test_that_a_deleted_database_keeps_its_own_history(alice: User, database: Database, kube: Gateway) -> None:
    tell(kube, database, "one")
    Database.objects.filter(pk=database.pk).update(is_live=False)

    found = read_history(cast.acting(alice), database.id, limit=200, before=None)

    assert {event.source for event in found.events} == {Source.OPERATION}
    assert found.missing_because == ""


def test_that_a_viewer_reads_it_and_a_stranger_does_not(bob: User, charlie: User, database: Database) -> None:
    assert history(bob, database)
    with pytest.raises(DatabaseNotFound):
        history(charlie, database)
