"""The world in which crashes are played: a simulated cluster, one clock for everybody, and a way back to the moment before the crash.

Setting a scene up costs more than playing it; so that each is set up once, rows and cluster are put back as they were, in whatever database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from provisioning.cluster.registry import clusters_reached_by
from provisioning.dispatch import published_by
from provisioning.models import Cluster
from tenants.models import Quota
from tests.proof.simulated_cluster import SimulatedCluster
from tests.proof.simulated_objects import Objects
from tests.provisioning.stage import Stage, StoppedClock
from tests.provisioning.stage_operator import Operator


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Everything as it was once."""

    at: datetime
    objects: Objects
    rows: dict[type[Any], list[dict[str, Any]]]


class TurnedClock(StoppedClock):
    """A clock that stands still, and that goes back to an earlier moment with everything else."""

    def turn_back(self, moment: datetime) -> None:
        """Stand at that moment."""
        self._now = moment


@dataclass(kw_only=True)
class World:
    """A stage on a simulated cluster."""

    kube: SimulatedCluster
    cluster: Cluster
    clock: TurnedClock = field(default_factory=TurnedClock)
    stage: Stage = field(init=False)

    def __post_init__(self) -> None:
        self.stage = Stage(kube=self.kube, clock=self.clock, cluster=self.cluster)

    def now(self) -> Moment:
        """Take this moment down."""
        rows = {model: list(model.objects.values()) for model in _models()}
        return Moment(at=self.clock.now(), objects=self.kube.state(), rows=rows)

    def back_to(self, moment: Moment) -> None:
        """Make everything as it was, the time included: else deadlines would pass from one play to the next."""
        self.clock.turn_back(moment.at)
        self.kube.restore(moment.objects)
        self.stage.operator = Operator(kube=self.kube)
        with atomic():
            for model in reversed(_models()):
                model.objects.all()._raw_delete(using=DEFAULT_DB_ALIAS)
            for model, rows in moment.rows.items():
                model.objects.bulk_create(model(**row) for row in rows)


def _models() -> list[type[Any]]:
    """Return what operations write: parents before children. Who people are never changes here."""
    return [Quota, *(model for model in apps.get_app_config("provisioning").get_models() if model is not Cluster)]


@contextmanager
def world() -> Iterator[World]:
    """Let the whole process work on a simulated cluster and on a clock that only the play moves; messages go nowhere."""
    kube = SimulatedCluster()
    cluster = Cluster.objects.create(
        name="simulated",
        region="local",
        kubeconfig_path="/nonexistent",
        external_service_type="NodePort",
        node_address="127.0.0.1",
        default_access="external",
        backup_driver="kubestash",
        backup_namespace="backups",
        backup_storage="storage",
        backup_encryption_secret="storage-key",
        archiver="archiver",
        is_tenancy_enforced=False,
    )
    made = World(kube=kube, cluster=cluster)
    with (
        clusters_reached_by(lambda _reach: kube),
        published_by(lambda _operation: None),
        SYSTEM_CLOCK.replaced_by(made.clock),
    ):
        yield made
