"""What we read out of a custom resource, however little the operator has written there yet."""

from typing import Any

import pytest

from provisioning.observations import digest, last_message, observed_columns, observed_phase, why_not_ready

OBJECT: dict[str, Any] = {"metadata": {"name": "pg-a", "uid": "u1", "generation": 2}, "spec": {}}


def with_status(**status: Any) -> dict[str, Any]:
    return {**OBJECT, "status": status}


def condition(message: str, at: str, **more: str) -> dict[str, str]:
    return {"type": "Ready", "status": "False", "message": message, "lastTransitionTime": at, **more}


def test_that_an_object_without_status_has_no_phase() -> None:
    assert observed_phase(OBJECT) == ""
    assert why_not_ready(OBJECT) == "KubeDB reports nothing yet."


@pytest.mark.parametrize(("seen", "phase"), [(1, ""), (2, "Ready"), (3, "Ready")])
def test_that_a_phase_counts_only_once_the_spec_was_seen(seen: int, phase: str) -> None:
    assert observed_phase(with_status(phase="Ready", observedGeneration=seen)) == phase


def test_that_a_phase_without_a_generation_counts() -> None:
    assert observed_phase(with_status(phase="Ready")) == "Ready"


def test_that_the_condition_that_changed_last_says_why() -> None:
    conditions = [
        condition("Pulling the image.", "2026-01-31T12:00:05Z"),
        condition("Claiming a volume.", "2026-01-31T12:00:01Z"),
        {"type": "Paused", "status": "False"},
    ]

    why = why_not_ready(with_status(phase="Provisioning", conditions=conditions))

    assert why == "KubeDB reports Provisioning: Pulling the image."


def test_that_a_huge_message_is_cut() -> None:
    why = why_not_ready(with_status(phase="x" * 500, conditions=[condition("y" * 5000, "2026")]))

    assert len(why) < 400


def test_that_columns_repeat_what_the_object_says() -> None:
    annotations = {"devcluster.local/simulated": "true", "devcluster.local/running-version": "Valkey 9"}
    body = {**with_status(phase="Critical"), "metadata": {**OBJECT["metadata"], "annotations": annotations}}

    columns = observed_columns(body)

    assert columns == {"phase": "Critical", "object_uid": "u1", "simulated": True, "running_version": "Valkey 9"}


def test_that_a_real_cluster_s_object_is_not_simulated() -> None:
    assert observed_columns(OBJECT)["simulated"] is False


CHANGES: list[dict[str, Any]] = [
    {"status": {"phase": "Ready"}},
    {"status": {"conditions": [condition("x", "2026", reason="A")]}},
    {"status": {"observedGeneration": 2}},
    {"metadata": {**OBJECT["metadata"], "generation": 3}},
    {"metadata": {**OBJECT["metadata"], "deletionTimestamp": "2026"}},
    {"metadata": {**OBJECT["metadata"], "uid": "u2"}},
    {"metadata": {**OBJECT["metadata"], "annotations": {"a": "b"}}},
]


@pytest.mark.parametrize(
    "change", CHANGES, ids=["phase", "condition", "seen", "spec", "deletion", "identity", "annotation"]
)
def test_that_a_change_that_matters_changes_the_digest(change: dict[str, Any]) -> None:
    assert digest({**OBJECT, **change}) != digest(OBJECT)


def test_that_a_change_that_does_not_matter_keeps_the_digest() -> None:
    renewed = {**OBJECT, "metadata": {**OBJECT["metadata"], "resourceVersion": "99", "managedFields": []}}

    assert digest(renewed) == digest(OBJECT)


def test_that_of_conditions_of_the_same_second_the_last_listed_speaks() -> None:
    at = "2026-11-23T13:12:52Z"
    conditions = [
        {"type": "VolumeExpansion", "message": "The request has started.", "lastTransitionTime": at},
        {"type": "Failed", "message": "The class does not allow expansion.", "lastTransitionTime": at},
    ]

    assert last_message({"status": {"conditions": conditions}}) == "The class does not allow expansion."
