"""Where a database answers, from every shape of Service that a cluster may show."""

from collections.abc import Callable

import pytest

from provisioning.cluster.kinds import SERVICE, Kind, Ref
from provisioning.endpoint import Endpoint, NoAddressYet, find_endpoint
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Cluster, Operation
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


def found(stage: Stage, operation: Operation) -> Endpoint | NoAddressYet:
    return find_endpoint(stage.kube, stage.look(operation).database, all_engines()["postgres"])


def service(stage: Stage, operation: Operation, kind: str, *ports: int) -> Ref:
    database = stage.look(operation).database
    body: Body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": database.object_name, "namespace": database.namespace},
        "spec": {"type": kind, "ports": [{"name": f"p{port}", "port": port} for port in ports]},
    }
    stage.kube.create(body)
    return Ref(kind=SERVICE, name=database.object_name, namespace=database.namespace)


def balanced(stage: Stage, ref: Ref, ingress: list[dict[str, str]]) -> None:
    status = Kind(api_version="v1", kind="Service", plural="services")
    place = Ref(kind=status, name=f"{ref.name}/status", namespace=ref.namespace)
    stage.kube.merge(place, {"status": {"loadBalancer": {"ingress": ingress}}})


@pytest.fixture
def operation(ordered: Ordered, stage: Stage) -> Operation:
    """A database whose object is in the cluster, without a Service."""
    return stage.work(ordered())


def test_that_inside_the_cluster_the_name_is_the_address(stage: Stage, ordered: Ordered) -> None:
    operation = ordered(access_mode="internal")
    database = operation.database

    assert found(stage, operation) == Endpoint(host=f"{database.object_name}.{database.namespace}.svc", port=5432)


def test_that_a_service_that_is_not_there_is_waited_for(stage: Stage, operation: Operation) -> None:
    waits = found(stage, operation)

    assert isinstance(waits, NoAddressYet)
    assert "is not there yet" in waits.reason


def test_that_a_node_port_answers_at_the_node(stage: Stage, operation: Operation) -> None:
    service(stage, operation, "NodePort", 2379, 5432)

    endpoint = found(stage, operation)

    body = stage.kube.get(
        Ref(kind=SERVICE, name=operation.database.object_name, namespace=operation.database.namespace)
    )
    assert body is not None
    assert endpoint == Endpoint(host="127.0.0.1", port=body["spec"]["ports"][1]["nodePort"])


@pytest.mark.parametrize("ingress", [{"ip": "198.51.100.7"}, {"hostname": "db.example.com"}])
def test_that_a_load_balancer_answers_at_its_own_address(
    stage: Stage, operation: Operation, ingress: dict[str, str]
) -> None:
    balanced(stage, service(stage, operation, "LoadBalancer", 5432), [ingress])

    assert found(stage, operation) == Endpoint(host=next(iter(ingress.values())), port=5432)


def test_that_a_place_without_an_address_is_passed_over(stage: Stage, operation: Operation) -> None:
    ref = service(stage, operation, "LoadBalancer", 5432)
    balanced(stage, ref, [{}])
    nothing_yet = found(stage, operation)
    balanced(stage, ref, [{}, {"hostname": "db.example.com"}])

    assert isinstance(nothing_yet, NoAddressYet)
    assert found(stage, operation) == Endpoint(host="db.example.com", port=5432)


def test_that_a_service_of_the_cluster_s_own_network_is_no_outside_address(stage: Stage, operation: Operation) -> None:
    service(stage, operation, "ClusterIP", 5432)

    assert isinstance(found(stage, operation), NoAddressYet)


def test_that_a_node_port_without_a_known_node_is_no_address(stage: Stage, operation: Operation) -> None:
    service(stage, operation, "NodePort", 5432)
    Cluster.objects.update(node_address="")

    assert isinstance(found(stage, operation), NoAddressYet)


def test_that_a_load_balancer_without_an_address_is_waited_for(stage: Stage, operation: Operation) -> None:
    service(stage, operation, "LoadBalancer", 5432)

    waits = found(stage, operation)

    assert waits == NoAddressYet(reason="The cluster has not given the service an outside address yet.")
