"""That the floor under coverage holds what stands on it."""

from typing import Any

from tests.architecture.branches import WHOLE, gaps

FULL: dict[str, Any] = {"missing_lines": [], "missing_branches": []}


def report(**changed: Any) -> dict[str, Any]:
    names = [part if part.endswith(".py") else f"{part}any.py" for part in WHOLE]
    return {"files": {**dict.fromkeys(names, FULL), **changed}}


def test_that_full_coverage_has_no_gaps() -> None:
    assert list(gaps(report())) == []


def test_that_a_line_and_a_branch_are_gaps() -> None:
    lease = {"missing_lines": [7], "missing_branches": [[3, 9]]}

    found = list(gaps(report(**{"provisioning/lease.py": lease})))

    assert found == ["provisioning/lease.py:7: never runs", "provisioning/lease.py:3: never goes to 9"]


def test_that_other_files_may_have_gaps() -> None:
    assert list(gaps(report(**{"provisioning/admin.py": {"missing_lines": [1], "missing_branches": []}}))) == []


def test_that_a_file_that_is_not_measured_is_a_gap() -> None:
    measured = report()
    del measured["files"]["provisioning/lease.py"]

    assert list(gaps(measured)) == ["provisioning/lease.py: not in the report"]
