"""Plays KubeDB's operator for the pocket cluster: an ordinary client of any Kubernetes API server.

Read `provisioner.py` for what happens to a database, `engines/` for what differs between engines, and `controller.py`
for when it happens. Nothing here is imported by the product.
"""

import asyncio
import fcntl
import logging
import signal
import sys
import time
from pathlib import Path

KUBECONFIG_SECONDS = 10.0

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(kubeconfig: Path, data_dir: Path) -> int:
    """Run the operator until it is told to stop, and give the exit code; one operator per data folder."""
    # Held back while the rest is imported: a stop that comes now must still stop the servers of an earlier run.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    from devcluster.operator.controller import serve

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if not _appears(kubeconfig):
        sys.stderr.write(f"There is no kubeconfig at {kubeconfig}; start the API server first.\n")
        return 1
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "operator.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.stderr.write(f"Another operator works in {data_dir}; stop it first.\n")
            return 1
        asyncio.run(serve(kubeconfig.resolve(), data_dir.resolve(), STOP_SIGNALS))
    return 0


def _appears(kubeconfig: Path) -> bool:
    """Wait until the file is there: the API server, often started in the same moment, writes it once it listens."""
    deadline = time.monotonic() + KUBECONFIG_SECONDS
    while not kubeconfig.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    return kubeconfig.is_file()
