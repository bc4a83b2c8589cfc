from tests.architecture.advisories import judge

REPORT = {
    "dependencies": [
        {"name": "fine", "version": "1.0", "vulns": []},
        {"name": "bad", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]},
        {"name": "hopeless", "version": "2.0", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]},
        {"name": "unknown", "skip_reason": "not found"},
    ]
}


def test_that_each_vulnerability_is_told_with_its_cure() -> None:
    assert judge(REPORT).vulnerable == (
        "bad 1.0: PYSEC-1, fixed in 1.1",
        "hopeless 2.0: PYSEC-2, fixed in no version yet",
    )


def test_that_packages_nobody_could_answer_for_are_counted() -> None:
    verdict = judge(REPORT)

    assert (verdict.asked, verdict.unanswered) == (4, 1)
