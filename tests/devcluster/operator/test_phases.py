"""The derivation of the phase, rule by rule and in order."""

from datetime import UTC, datetime

import pytest

from devcluster.operator.phases import REASONS, Condition, Phase, Type, phase_of, with_condition, without


def conditions(**values: bool) -> list[Condition]:
    return [{"type": kind, "status": str(value)} for kind, value in values.items()]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Phase.EMPTY),
        ({"ProvisioningStarted": True}, Phase.PROVISIONING),
        ({"ProvisioningStarted": True, "AcceptingConnection": False, "ReplicaReady": False}, Phase.PROVISIONING),
        ({"ProvisioningStarted": True, "Ready": True, "AcceptingConnection": True}, Phase.PROVISIONING),
        ({"ProvisioningStarted": True, "Provisioned": True}, Phase.PROVISIONING),
        ({"Provisioned": True, "AcceptingConnection": True, "ReplicaReady": True, "Ready": True}, Phase.READY),
        ({"Provisioned": True, "AcceptingConnection": False, "ReplicaReady": False, "Ready": True}, Phase.NOT_READY),
        ({"Provisioned": True, "AcceptingConnection": True, "ReplicaReady": False, "Ready": True}, Phase.CRITICAL),
        ({"Provisioned": True, "AcceptingConnection": True, "ReplicaReady": True, "Ready": False}, Phase.CRITICAL),
        ({"Provisioned": True, "Ready": True, "Halted": True}, Phase.HALTED),
        ({"Provisioned": True, "Ready": True, "Halted": False}, Phase.READY),
        ({"Halted": True, "HealthCheckPaused": True}, Phase.UNKNOWN),
        ({"ProvisioningStarted": True, "DataRestoreStarted": True}, Phase.DATA_RESTORING),
        ({"DataRestoreStarted": True, "Halted": True}, Phase.HALTED),
        ({"DataRestoreStarted": True, "DataRestored": False, "Provisioned": True, "Ready": True}, Phase.NOT_READY),
        ({"DataRestored": False, "Provisioned": True, "Ready": True}, Phase.NOT_READY),
        ({"DataRestoreStarted": True, "DataRestored": True, "Provisioned": True, "Ready": True}, Phase.READY),
        ({"Paused": True, "Provisioned": True, "Ready": True}, Phase.READY),
    ],
)
def test_that_the_first_matching_rule_decides_the_phase(given: dict[str, bool], expected: Phase) -> None:
    phase = phase_of(conditions(**given))

    assert phase == expected


def test_that_an_unknown_status_counts_as_absent() -> None:
    given = [{"type": "ProvisioningStarted", "status": "True"}, {"type": "DataRestoreStarted", "status": "Unknown"}]

    assert phase_of(given) == Phase.PROVISIONING


def test_that_the_transition_time_moves_only_with_the_status() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    first = with_condition([], Type.READY, status=False, generation=1, now=early)

    same = with_condition(first, Type.READY, status=False, generation=2, now=late)
    other = with_condition(same, Type.READY, status=True, generation=2, now=late)

    assert [one["lastTransitionTime"] for one in (first[0], same[0], other[0])] == [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        "2026-01-02T00:00:00Z",
    ]
    assert (other[0]["reason"], other[0]["observedGeneration"]) == ("ReadinessCheckSucceeded", 2)


def test_that_a_condition_keeps_its_place_and_leaves_others_alone() -> None:
    given = [*conditions(Paused=True, Ready=False), *conditions(Halted=True)]

    changed = with_condition(given, Type.READY, status=True, generation=1)

    assert [one["type"] for one in changed] == ["Paused", "Ready", "Halted"]
    assert [one["type"] for one in without(changed, Type.HALTED)] == ["Paused", "Ready"]


def test_that_every_reason_is_a_single_word() -> None:
    assert all(reason.isalpha() and message.endswith(".") for reason, message in REASONS.values())
