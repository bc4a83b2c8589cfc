"""The health check of the containers, with the standard library alone because the slim image has no curl.

Not for Kubernetes, whose kubelet asks /health/live and /health/ready by itself.
"""

import json
import sys
import urllib.request

USAGE = "usage: probe.py ADDRESS [CHECK]   e.g. probe.py http://web:8000/health/ready dispatcher"
WAIT_SECONDS = 4


def main(arguments: list[str]) -> int:
    """Return 0 if the address answers 200 and, where a check is named, says that this check is well."""
    if len(arguments) not in (1, 2):
        print(USAGE, file=sys.stderr)  # noqa: T201 -- a command
        return 2
    address, *checks = arguments
    try:
        with urllib.request.urlopen(address, timeout=WAIT_SECONDS) as answer:  # noqa: S310 -- the address is ours
            statuses = json.load(answer)["checks"] if checks else {}
        failed = [check for check in checks if statuses[check]["status"] != "ok"]
    except (OSError, ValueError, KeyError) as error:
        failed = [repr(error)]
    if failed:
        print(f"{address}: {failed[0]}", file=sys.stderr)  # noqa: T201 -- a command; `docker inspect` shows it
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
