"""That what stands in a tenant's namespace has the shape that Kubernetes gives it: unknown fields and wrong types show in a round trip."""

from typing import Any

import orjson
import pytest
from kubernetes import client

from provisioning.engine import Body
from provisioning.tenancy import database_policy
from tests.provisioning.test_tenancy import row, tenancy

SENT: tuple[Body, ...] = (
    *tenancy(accounts_namespace="dbaas-system", api_cidrs=["192.0.2.1/32"]).objects,
    database_policy(row(access_mode="external"), 5432),
)


@pytest.mark.parametrize("body", SENT, ids=lambda body: f"{body['kind']}-{body['metadata']['name']}")
def test_that_it_survives_the_way_through_kubernetes_types(body: Body) -> None:
    assert through_types(body) == body


def test_that_the_check_finds_a_field_that_is_none() -> None:
    wrong = {**SENT[-1], "spec": {**SENT[-1]["spec"], "policyType": ["Ingress"]}}

    assert through_types(wrong) != wrong


def through_types(body: Body) -> Any:
    kubernetes = client.ApiClient()
    typed = kubernetes.deserialize(orjson.dumps(body).decode(), f"V1{body['kind']}", "application/json")
    return kubernetes.sanitize_for_serialization(typed)
