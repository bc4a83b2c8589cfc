"""Start a worker or beat without Celery's command line: `python -m dbaas.processes worker|beat`.

`celery -A dbaas.celery worker` does the same; but that command imports every Celery plug-in that is installed, Flower's web server among
them, which costs each process 1.5 s of processor time and 20 MB.
"""

import argparse
import os
import sys

# before Django's settings are read: the system checks import every view, which neither process needs; the web process runs them
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

from dbaas.celery import app

DEFAULT_QUEUES = "ops,maintenance"
"""Every queue there is: a worker of its own for each is a matter of scale (dbaas.settings.queues)."""


def main() -> int:
    """Run the process that was asked for until it is told to stop, and return its exit code."""
    arguments = _parser().parse_args()
    if arguments.process == "beat":
        app.Beat(schedule=arguments.schedule, loglevel=arguments.loglevel).run()
        return 0
    worker = app.Worker(
        hostname=arguments.hostname,
        queues=arguments.queues,
        concurrency=arguments.concurrency,
        loglevel=arguments.loglevel,
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dbaas.processes", description="Run a Celery process of the product."
    )
    processes = parser.add_subparsers(dest="process", required=True, metavar="process")
    worker = processes.add_parser("worker", help="carry out operations")
    worker.add_argument("--queues", default=DEFAULT_QUEUES, help="comma-separated (default: %(default)s)")
    worker.add_argument("--concurrency", type=int, default=2, help="child processes (default: %(default)s)")
    worker.add_argument("--hostname", default=None, help="name among the workers (default: celery@HOST)")
    beat = processes.add_parser("beat", help="tick every second for the dispatcher; any number may run")
    beat.add_argument(
        "--schedule", default="celerybeat-schedule", help="file that remembers the last runs (default: %(default)s)"
    )
    for process in (worker, beat):
        process.add_argument("--loglevel", default="WARNING", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
