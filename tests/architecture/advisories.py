"""Known vulnerabilities of what we depend on: `make audit` asks pip-audit about the lock files, and says aloud where nobody could answer.

An index without advisories, or none that can be reached, is no reason to fail a build that is otherwise fine; a vulnerability is.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.architecture.sizes import ROOT

_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of one lock file."""

    vulnerable: tuple[str, ...]
    asked: int
    unanswered: int


def judge(report: dict[str, Any]) -> Verdict:
    """Return what pip-audit's JSON report says."""
    packages = report["dependencies"]
    return Verdict(
        vulnerable=tuple(_vulnerabilities(packages)),
        asked=len(packages),
        unanswered=sum("skip_reason" in package for package in packages),
    )


def _vulnerabilities(packages: list[dict[str, Any]]) -> Iterator[str]:
    for package in packages:
        for found in package.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            yield f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


def ask(lock: Path) -> dict[str, Any] | None:
    """Return pip-audit's report on a lock file, None where there was none."""
    tool = Path(sys.executable).parent / "pip-audit"
    options = ("--require-hashes", "--disable-pip", "--timeout", "5", "--format", "json", "--progress-spinner", "off")
    try:
        ran = subprocess.run(
            [tool, "--requirement", lock, *options],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        report: dict[str, Any] = json.loads(ran.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return report


def main() -> int:
    """Print what was found, and return 1 if a package is known to be vulnerable."""
    is_vulnerable = False
    for lock in sorted(ROOT.glob("requirements*.txt")):
        name, report = lock.name, ask(lock)
        verdict = judge(report) if report else Verdict(vulnerable=(), asked=0, unanswered=0)
        if verdict.asked == verdict.unanswered:
            print(f"{name}: NOT AUDITED: no advisory service could be reached")  # noqa: T201 -- a command's output
            continue
        is_vulnerable = is_vulnerable or bool(verdict.vulnerable)
        known = verdict.asked - verdict.unanswered
        print(f"{name}: {known} of {verdict.asked} packages audited")  # noqa: T201 -- a command's output
        for line in verdict.vulnerable:
            print(f"  {line}")  # noqa: T201 -- a command's output
    return int(is_vulnerable)


if __name__ == "__main__":
    sys.exit(main())
