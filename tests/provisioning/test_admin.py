"""That operators see every row and change none by hand, and that a retry of theirs is on record."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from provisioning.heartbeats import DISPATCHER
from provisioning.models import Cluster, Database, Heartbeat, Operation
from tests import cast

pytestmark = pytest.mark.usefixtures("nowhere")

Ordered = Callable[..., Operation]
MODELS = ("cluster", "database", "operation", "resource", "operationevent", "heartbeat", "finding")


@pytest.fixture
def operator(db: None) -> Client:
    """An operator who may do everything, logged in to the admin."""
    del db
    client = Client(raise_request_exception=True)
    client.force_login(User.objects.create_superuser("root@example.com", cast.PASSWORD))
    return client


@pytest.mark.parametrize("model", MODELS)
def test_that_every_list_can_be_seen(operator: Client, ordered: Ordered, model: str) -> None:
    ordered()

    assert operator.get(f"/admin/provisioning/{model}/").status_code == 200


def test_that_every_row_can_be_looked_at(operator: Client, ordered: Ordered) -> None:
    operation = ordered()
    Heartbeat.beat(DISPATCHER, now=operation.created_at)
    pages = {
        "operation": operation.pk,
        "database": operation.database_id,
        "cluster": Cluster.objects.get().pk,
        "heartbeat": DISPATCHER,
    }

    statuses = {
        name: operator.get(f"/admin/provisioning/{name}/{key}/change/").status_code for name, key in pages.items()
    }

    assert set(statuses.values()) == {200}


def test_that_an_operation_shows_its_timeline_and_the_way_to_flower(operator: Client, ordered: Ordered) -> None:
    operation = ordered()

    page = operator.get(f"/admin/provisioning/operation/{operation.pk}/change/").content.decode()

    assert "Provisioning was accepted." in page
    assert f"Flower: tasks with args {operation.pk}" in page


def test_that_what_a_cluster_said_is_shown_as_text(operator: Client, ordered: Ordered) -> None:
    operation = ordered()
    operation.timeline.update(message="<script>alert(1)</script>")

    page = operator.get(f"/admin/provisioning/operation/{operation.pk}/change/").content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_that_a_database_links_its_operations(operator: Client, ordered: Ordered) -> None:
    operation = ordered()

    page = operator.get(f"/admin/provisioning/database/{operation.database_id}/change/").content.decode()

    assert f"operation/{operation.pk}/" in page


@pytest.mark.parametrize("model", [name for name in MODELS if name != "cluster"])
def test_that_nobody_adds_rows_by_hand(operator: Client, model: str) -> None:
    assert operator.get(f"/admin/provisioning/{model}/add/").status_code == 403


@pytest.mark.parametrize("model", ["database", "operation"])
def test_that_nobody_deletes_rows_by_hand(operator: Client, ordered: Ordered, model: str) -> None:
    operation = ordered()
    key = operation.pk if model == "operation" else operation.database_id

    assert operator.post(f"/admin/provisioning/{model}/{key}/delete/", {"post": "yes"}).status_code == 403


def test_that_nobody_changes_an_operation_by_hand(operator: Client, ordered: Ordered) -> None:
    operation = ordered()

    answer = operator.post(f"/admin/provisioning/operation/{operation.pk}/change/", {"state": "succeeded"})

    assert answer.status_code == 403
    assert Operation.objects.get(pk=operation.pk).state == "queued"


def test_that_a_stuck_operation_can_be_retried_on_record(operator: Client, ordered: Ordered) -> None:
    stuck, running = ordered("a"), ordered("b")
    Operation.objects.filter(pk=stuck.pk).update(state="stuck", step="wait_until_ready")

    answer = operator.post(
        "/admin/provisioning/operation/",
        {"action": "retry", "_selected_action": [str(stuck.pk), str(running.pk)]},
        follow=True,
    )

    page = answer.content.decode()
    assert "goes on at its step" in page
    assert "not stuck: it was left alone" in page
    assert Operation.objects.get(pk=stuck.pk).state == "queued"
    events = AuditEvent.objects.filter(action="operation.retried")
    assert [(event.actor_email, event.object_id) for event in events] == [("root@example.com", str(stuck.pk))]


@pytest.mark.parametrize(
    ("action", "audited", "state"),
    [("skip", "operation.step_skipped", "queued"), ("abandon", "operation.abandoned", "undoing")],
)
def test_that_a_decision_needs_a_reason_and_is_on_record(
    operator: Client, ordered: Ordered, action: str, audited: str, state: str
) -> None:
    stuck, running = ordered("a"), ordered("b")
    Operation.objects.filter(pk=stuck.pk).update(state="stuck", step="create_companions")
    chosen = {"action": action, "_selected_action": [str(stuck.pk), str(running.pk)]}

    asked = operator.post("/admin/provisioning/operation/", chosen).content.decode()
    without = operator.post("/admin/provisioning/operation/", {**chosen, "reason": " "}).content.decode()
    untouched = Operation.objects.get(pk=stuck.pk).state
    done = operator.post("/admin/provisioning/operation/", {**chosen, "reason": "seen to by hand"}, follow=True)

    assert ("Reason" in asked, "A reason is needed" in asked) == (True, False)
    assert ("A reason is needed" in without, untouched) == (True, "stuck")
    assert "not stuck: it was left alone" in done.content.decode()
    assert Operation.objects.get(pk=stuck.pk).state == state
    (event,) = AuditEvent.objects.filter(action=audited)
    assert (event.object_id, event.detail) == (
        str(stuck.pk),
        {"step": "create_companions", "reason": "seen to by hand"},
    )


def test_that_a_step_of_another_release_is_not_skipped(operator: Client, ordered: Ordered) -> None:
    stuck = ordered()
    Operation.objects.filter(pk=stuck.pk).update(state="stuck", step="of_another_release")
    chosen = {"action": "skip", "_selected_action": [str(stuck.pk)], "reason": "because"}

    page = operator.post("/admin/provisioning/operation/", chosen, follow=True).content.decode()

    assert "unknown to this release" in page
    assert not AuditEvent.objects.filter(action="operation.step_skipped").exists()


def test_that_the_list_can_show_only_what_is_stuck(operator: Client, ordered: Ordered) -> None:
    ordered("moving-one")
    stuck = ordered("stuck-one")
    Operation.objects.filter(pk=stuck.pk).update(state="stuck")

    page = operator.get("/admin/provisioning/operation/?state=stuck").content.decode()

    assert "stuck-one" in page
    assert "moving-one" not in page


def test_that_a_cluster_is_drained_on_record(operator: Client) -> None:
    cluster = Cluster.objects.get()
    form = {"name": cluster.name, "region": "local", "kubeconfig_path": "/x", "external_service_type": "NodePort"}

    operator.post(f"/admin/provisioning/cluster/{cluster.pk}/change/", {**form, "default_access": "internal"})

    assert not Cluster.objects.get().accepts_databases
    assert "accepts_databases" in AuditEvent.objects.get(action="cluster.changed").detail["fields"]


def test_that_no_cluster_is_deleted(operator: Client) -> None:
    cluster = Cluster.objects.get()

    assert operator.post(f"/admin/provisioning/cluster/{cluster.pk}/delete/", {"post": "yes"}).status_code == 403


def test_that_staff_without_permission_sees_nothing(ordered: Ordered) -> None:
    ordered()
    clerk = User.objects.create_user("clerk@example.com", cast.PASSWORD)
    User.objects.filter(pk=clerk.pk).update(is_staff=True)
    client = Client()
    client.force_login(clerk)

    assert client.get("/admin/provisioning/operation/").status_code == 403
    assert Database.objects.count() == 1
