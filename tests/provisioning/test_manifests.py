"""That a row becomes the description that engines write from: with our names and labels, and only with what the row says."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from provisioning.engines import all_engines
from provisioning.manifests import namespace_manifest, spec_of
from provisioning.models import Cluster, Database, Operation

POSTGRES = all_engines()["postgres"]
Described = Callable[..., Database]


def described(**columns: Any) -> Database:
    """Return a row, not saved."""
    cluster = Cluster(name="c", storage_class=columns.pop("storage_class", ""), external_service_type="LoadBalancer")
    fields: dict[str, object] = {
        "id": UUID(int=2),
        "tenant_id": UUID(int=1),
        "engine": "postgres",
        "version": POSTGRES.default_version,
        "cpu_millicores": 500,
        "memory_mib": 512,
        "storage_gib": 5,
        "topology": {"mode": "standalone"},
        "cluster": cluster,
        "namespace": "dbaas-shop",
        "object_name": "pg-a",
        "access_mode": "internal",
        "allowed_cidrs": ["203.0.113.0/24"],
    }
    return Database(**{**fields, **columns})


def operation() -> Operation:
    return Operation(id=UUID(int=3), lease_token=7, request_id="r", created_at=datetime.now(tz=UTC))


def test_that_it_says_what_the_row_says() -> None:
    spec = spec_of(described(), POSTGRES, operation())

    assert (spec.object_name, spec.namespace, spec.topology) == ("pg-a", "dbaas-shop", {"mode": "standalone"})
    assert (spec.resources.cpu_millicores, spec.resources.memory_mib, spec.resources.storage_gib) == (500, 512, 5)
    assert (spec.version.number, spec.storage_class) == (POSTGRES.default_version, None)


def test_that_labels_and_annotations_are_ours() -> None:
    spec = spec_of(described(), POSTGRES, operation())

    assert spec.labels == {
        "dbaas/managed-by": "dbaas",
        "dbaas/tenant-id": str(UUID(int=1)),
        "dbaas/database-id": str(UUID(int=2)),
    }
    assert spec.annotations == {
        "dbaas/operation-id": str(UUID(int=3)),
        "dbaas/fence": "7",
        "dbaas/request-id": "r",
    }


@pytest.mark.parametrize(("access_mode", "service"), [("external", "LoadBalancer"), ("internal", None)])
def test_that_only_external_access_asks_for_a_service(access_mode: str, service: str | None) -> None:
    assert spec_of(described(access_mode=access_mode), POSTGRES, operation()).external_service_type == service


def test_that_the_cluster_s_storage_class_is_taken() -> None:
    assert spec_of(described(storage_class="fast"), POSTGRES, operation()).storage_class == "fast"


def test_that_a_version_of_another_release_is_a_defect() -> None:
    with pytest.raises(KeyError, match=r"postgres has no version 0\.1"):
        spec_of(described(version="0.1"), POSTGRES, operation())


def test_that_the_namespace_is_the_tenant_s_and_no_database_s() -> None:
    metadata = namespace_manifest(described())["metadata"]

    assert metadata == {
        "name": "dbaas-shop",
        "labels": {"dbaas/managed-by": "dbaas", "dbaas/tenant-id": str(UUID(int=1))},
    }
