"""That a process keeps one gateway per cluster, makes a new one when the registration changes, and none calls inside a transaction."""

from typing import Any

import pytest

from dbaas.core.db import atomic
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import CalledInTransaction
from provisioning.cluster.registry import clusters_reached_by, gateway_to
from provisioning.models import Cluster


def test_that_a_cluster_has_one_gateway() -> None:
    first = gateway_to(Cluster(name="a", kubeconfig_path="/nonexistent/one"))

    assert gateway_to(Cluster(name="b", kubeconfig_path="/nonexistent/one")) is first


@pytest.mark.parametrize("changed", [{"context": "other"}, {"kubeconfig_path": "/nonexistent/two"}])
def test_that_another_way_to_reach_it_is_another_gateway(changed: dict[str, str]) -> None:
    reach = {"kubeconfig_path": "/nonexistent/one", **changed}

    assert gateway_to(Cluster(**reach)) is not gateway_to(Cluster(kubeconfig_path="/nonexistent/one"))


def test_that_a_registered_cluster_is_not_called_inside_a_transaction(pocket: Cluster) -> None:
    with atomic(), pytest.raises(CalledInTransaction):
        gateway_to(pocket).version()

    assert gateway_to(pocket).version()


def test_that_a_simulation_may_bring_gateways_of_its_own() -> None:
    cluster = Cluster(kubeconfig_path="/nonexistent/one")
    usual = gateway_to(cluster)

    with clusters_reached_by(Gateway):
        other = gateway_to(cluster)

    assert other is not usual
    assert gateway_to(cluster) is usual


def test_that_a_process_with_an_account_of_its_own_reads_its_own_kubeconfig(settings: Any) -> None:
    cluster = Cluster(kubeconfig_path="/nonexistent/one")
    shared = gateway_to(cluster)

    settings.CLUSTER_ACCOUNT = "web"

    assert gateway_to(cluster) is not shared
    assert gateway_to(cluster) is gateway_to(Cluster(kubeconfig_path="/nonexistent/one"))


def test_that_in_a_pod_the_account_is_the_pod_s(settings: Any) -> None:
    in_a_pod = gateway_to(Cluster())

    settings.CLUSTER_ACCOUNT = "web"

    assert gateway_to(Cluster()) is in_a_pod
