"""That a database whose manifest is the product's own is measured, logged and told of, with the pocket cluster's operator at work."""

from collections.abc import Callable

import pytest

from accounts.models import User
from provisioning.cluster.client import Gateway, Reach
from provisioning.models import Cluster, Database, Operation
from tests.cast import Api, body_of, problem
from tests.devcluster.operator.conftest import PocketCluster, wait_until
from tests.provisioning.stage import Stage, StoppedClock

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("operated")]
URL = "/api/v1/databases"


@pytest.fixture
def provisioned(
    transactional_db: None, operated: PocketCluster, ordered: Callable[..., Operation]
) -> Callable[[str], Database]:
    """Order a database of an engine on that cluster, and let workers work until it is ready."""
    del transactional_db
    path = str(operated.server.kubeconfig)
    cluster = Cluster.objects.create(
        name="operated", region="local", kubeconfig_path=path, external_service_type="NodePort",
        node_address="127.0.0.1", default_access="external",
    )  # fmt: skip
    stage = Stage(kube=Gateway(Reach(kubeconfig_path=path)), clock=StoppedClock(), cluster=cluster)

    def provision(engine: str) -> Database:
        operation = ordered(engine, engine)

        def is_done() -> bool:
            return stage.work(stage.look(operation)).state == "succeeded" or _due_again(stage, operation)

        wait_until(is_done, "the database is ready", 30)
        return Database.objects.get(pk=operation.database_id)

    return provision


def _due_again(stage: Stage, operation: Operation) -> bool:
    """Move the clock to where the operation is due, so that the next look works on it."""
    now = stage.look(operation)
    if now.next_run_at is not None and now.next_run_at > stage.clock.now():
        stage.clock.forward(now.next_run_at - stage.clock.now())
    return False


def test_that_a_real_database_shows_everything(api: Api, alice: User, provisioned: Callable[[str], Database]) -> None:
    database = provisioned("redis")

    metrics = body_of(api.by(alice).get(f"{URL}/{database.id}/metrics"))
    log = body_of(api.by(alice).get(f"{URL}/{database.id}/logs"))
    events = body_of(api.by(alice).get(f"{URL}/{database.id}/events", limit=200))

    values = {metric["name"]: metric["points"] for metric in metrics["metrics"]}
    assert (metrics["source"], metrics["note"]) == ("cluster", None)
    assert {name for name, points in values.items() if not points} == {
        "operations_per_second",
        "cache_hit_ratio",
        "replication_lag_seconds",
    }
    assert values["cpu_limit_millicores"][0][1] == 1100
    assert (log["pod"], log["container"]) == (f"{database.object_name}-0", "redis")
    assert any("Ready to accept connections" in line for line in log["lines"])
    assert {event["source"] for event in events["items"]} == {"kubernetes", "condition", "operation"}


def test_that_a_simulated_database_says_so(api: Api, alice: User, provisioned: Callable[[str], Database]) -> None:
    database = provisioned("mysql")

    metrics = body_of(api.by(alice).get(f"{URL}/{database.id}/metrics"))

    assert metrics["simulated"] is True
    assert not any(metric["points"] for metric in metrics["metrics"])
    assert problem(api.by(alice).get(f"{URL}/{database.id}/logs")) == (409, "database.simulated")
