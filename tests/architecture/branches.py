"""The floor under coverage: where an untested branch could lose an operation, there is none.

`python -m tests.architecture.branches FILE` reads coverage's JSON report; `make test` runs it after the tests.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WHOLE = (
    "accounts/api/permissions.py",
    "accounts/api_keys.py",
    "accounts/key_limits.py",
    "accounts/networks.py",
    "accounts/permissions.py",
    "accounts/login_limits.py",
    "accounts/passwords.py",
    "accounts/second_factor.py",
    "accounts/sessions.py",
    "accounts/trail/",
    "dbaas/api/rate_limits/",
    "provisioning/lease.py",
    "provisioning/operations/",
    "provisioning/services/",
    "provisioning/states.py",
    "provisioning/workflow/",
    "tenants/access.py",
    "tenants/invitations.py",
    "tenants/oversight.py",
    "webhooks/deliveries.py",
    "webhooks/ending.py",
    "webhooks/endpoints.py",
    "webhooks/outbox.py",
    "webhooks/sending.py",
    "webhooks/targets.py",
)
"""Files and folders whose every line and branch is tested."""


def gaps(report: dict[str, Any]) -> Iterator[str]:
    """Yield each line and branch that no test reaches in what must be tested wholly, and each entry that matches no file."""
    for part in WHOLE:
        files = {name: found for name, found in report["files"].items() if name.startswith(part)}
        if not files:
            yield f"{part}: not in the report"
        for name, found in files.items():
            yield from (f"{name}:{line}: never runs" for line in found["missing_lines"])
            yield from (f"{name}:{before}: never goes to {after}" for before, after in found["missing_branches"])


def main(path: str) -> int:
    """Print the gaps, and return 1 if there are any."""
    found = list(gaps(json.loads(Path(path).read_text(encoding="utf-8"))))
    for gap in found:
        print(gap)  # noqa: T201 -- a command
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
