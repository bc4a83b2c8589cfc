"""That the pieces that all manifests share are what KubeDB and Kubernetes expect."""

import pytest

from provisioning import bodies
from provisioning.engine import DatabaseSpec, Version
from provisioning.sizes import EXPORTER, Resources

SMALL = Resources(cpu_millicores=1000, memory_mib=2048, storage_gib=10)


def spec(service: str | None = None, cidrs: tuple[str, ...] = ()) -> DatabaseSpec:
    return DatabaseSpec(
        object_name="pg-1",
        namespace="tenant-1",
        version=Version(name="17.5", number="17.5"),
        topology={"mode": "standalone"},
        resources=SMALL,
        external_service_type=service,
        allowed_cidrs=cidrs,
        labels={"a": "b"},
        annotations={"c": "d"},
    )


def test_that_a_database_is_durable_protected_and_changed_by_us_only() -> None:
    body = bodies.database_object("Postgres", spec(), {"replicas": 1})

    assert body == {
        "apiVersion": "kubedb.com/v1",
        "kind": "Postgres",
        "metadata": {"name": "pg-1", "namespace": "tenant-1", "labels": {"a": "b"}, "annotations": {"c": "d"}},
        "spec": {
            "version": "17.5",
            "storageType": "Durable",
            "deletionPolicy": "DoNotTerminate",
            "autoOps": {"disabled": True},
            "monitor": {
                "agent": "prometheus.io/builtin",
                "prometheus": {"exporter": {"resources": bodies.amounts(EXPORTER)}},
            },
            "replicas": 1,
        },
    }


def test_that_a_companion_has_a_name_of_its_own() -> None:
    body = bodies.database_object("RedisSentinel", spec(), {}, name="pg-1-sentinel", is_monitored=False)

    assert body["metadata"]["name"] == "pg-1-sentinel"
    assert "monitor" not in body["spec"]


@pytest.mark.parametrize(("asked", "written"), [(None, {}), ("", {}), ("fast", {"storageClassName": "fast"})])
def test_that_a_claim_names_a_storage_class_only_where_there_is_one(asked: str | None, written: dict[str, str]) -> None:
    claim = bodies.volume_claim(10, asked)

    assert claim == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}, **written}


def test_that_requests_equal_limits_and_are_not_one_object() -> None:
    (container,) = bodies.pod_template("postgres", SMALL)["spec"]["containers"]

    resources = container["resources"]
    assert resources["requests"] == resources["limits"] == {"cpu": "1000m", "memory": "2048Mi"}
    assert resources["requests"] is not resources["limits"]


def test_that_nodes_have_a_number_a_disk_and_resources() -> None:
    nodes = bodies.nodes(3, "mongodb", SMALL, "fast")

    assert nodes == {
        "replicas": 3,
        "storage": bodies.volume_claim(10, "fast"),
        "podTemplate": bodies.pod_template("mongodb", SMALL),
    }


def test_that_nothing_is_exposed_unless_asked() -> None:
    assert bodies.service_templates(spec()) == {}


@pytest.mark.parametrize(
    ("service", "cidrs", "written"),
    [
        ("LoadBalancer", (), {"type": "LoadBalancer"}),
        (
            "LoadBalancer",
            ("203.0.113.0/24",),
            {
                "type": "LoadBalancer",
                "loadBalancerSourceRanges": ["203.0.113.0/24"],
                "externalTrafficPolicy": "Local",
            },
        ),
        ("NodePort", (), {"type": "NodePort"}),
        ("NodePort", ("203.0.113.0/24",), {"type": "NodePort"}),
    ],
)
def test_that_the_primary_service_is_exposed_as_the_cluster_does_it(
    service: str, cidrs: tuple[str, ...], written: dict[str, object]
) -> None:
    templates = bodies.service_templates(spec(service, cidrs))

    assert templates == {"serviceTemplates": [{"alias": "primary", "spec": written}]}
