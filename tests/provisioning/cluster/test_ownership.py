"""That we know our objects again, and nobody else's."""

from uuid import UUID

import pytest

from provisioning.cluster.ownership import (
    annotation_of,
    annotations_for,
    belongs_to,
    fence_of,
    is_being_deleted,
    labels_for,
    owner_of,
)
from provisioning.engine import Body

TENANT, DATABASE, OPERATION = UUID(int=1), UUID(int=2), UUID(int=3)


def body(**metadata: object) -> Body:
    return {"metadata": {"name": "pg", **metadata}}


def test_that_what_we_label_is_ours_again() -> None:
    ours = body(labels=labels_for(tenant_id=TENANT, database_id=DATABASE))

    assert owner_of(ours) == DATABASE
    assert belongs_to(ours, DATABASE)
    assert not belongs_to(ours, TENANT)


@pytest.mark.parametrize("labels", [None, {}, {"dbaas/database-id": "mine"}, {"dbaas/database-id": ""}])
def test_that_what_carries_no_id_of_ours_has_no_owner(labels: dict[str, str] | None) -> None:
    assert owner_of(body(labels=labels)) is None
    assert not belongs_to(body(labels=labels), DATABASE)


def test_that_annotations_say_who_wrote_last() -> None:
    annotations = annotations_for(operation_id=OPERATION, fence=7, request_id="r")

    assert annotation_of(body(annotations=annotations), "dbaas/fence") == "7"
    assert annotation_of(body(annotations=annotations), "dbaas/operation-id") == str(OPERATION)
    assert annotation_of(body(annotations=annotations), "dbaas/request-id") == "r"


@pytest.mark.parametrize("annotations", [None, {}])
def test_that_an_annotation_that_is_not_there_is_empty(annotations: dict[str, str] | None) -> None:
    assert annotation_of(body(annotations=annotations), "dbaas/fence") == ""


@pytest.mark.parametrize(("text", "expected"), [("12", 12), ("", 0), ("-1", 0), ("soon", 0)])
def test_that_the_fence_of_what_nobody_of_ours_wrote_is_zero(text: str, expected: int) -> None:
    assert fence_of(body(annotations={"dbaas/fence": text})) == expected


def test_that_a_deletion_timestamp_means_that_it_is_leaving() -> None:
    assert is_being_deleted(body(deletionTimestamp="2026-01-31T12:00:00Z"))
    assert not is_being_deleted(body())
