"""Start a worker or beat without Celery's command line, or ask after one: `python -m dbaas.processes worker|beat|alive`.

`celery -A dbaas.celery worker` does the same; but that command imports every Celery plug-in that is installed, Flower's web server among
them, which costs each process 1.5 s of processor time and 20 MB.
"""

import argparse
import os
import sys

# before Django's settings are read: the system checks import every view, which neither process needs; the web process runs them
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

from dbaas.celery import app
from dbaas.liveness import Mark

DEFAULT_QUEUES = "ops,maintenance"
"""Every queue but `webhooks`, whose tasks wait for other people's servers and have a worker of their own (dbaas.settings.queues)."""


def main() -> int:
    """Run the process that was asked for until it is told to stop, and return its exit code."""
    arguments = _parser().parse_args()
    if arguments.process == "alive":
        return _tell_alive(arguments.hostname, arguments.within)
    if arguments.process == "beat":
        app.Beat(schedule=arguments.schedule, loglevel=arguments.loglevel).run()
        return 0
    from dbaas.health.serving import serve_counters

    worker = app.Worker(
        hostname=arguments.hostname,
        queues=arguments.queues,
        pool=arguments.pool,
        concurrency=arguments.concurrency,
        loglevel=arguments.loglevel,
        without_gossip=True,
        without_mingle=True,
    )
    serve_counters()
    worker.start()
    return int(worker.exitcode or 0)


def _tell_alive(hostname: str, within_seconds: float) -> int:
    """Return 0 if the worker of that name on this machine has completed a task lately."""
    from django.conf import settings

    age_seconds = Mark(settings.ALIVE_DIR, hostname).age_seconds()
    if age_seconds is not None and age_seconds <= within_seconds:
        return 0
    told = "never completed a task" if age_seconds is None else f"completed its last task {age_seconds:.0f} s ago"
    print(f"worker {hostname} {told}", file=sys.stderr)  # noqa: T201 -- a command; the kubelet keeps what it says
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dbaas.processes", description="Run a Celery process of the product."
    )
    processes = parser.add_subparsers(dest="process", required=True, metavar="process")
    worker = processes.add_parser("worker", help="carry out operations")
    worker.add_argument("--queues", default=DEFAULT_QUEUES, help="comma-separated (default: %(default)s)")
    worker.add_argument(
        "--pool",
        default="prefork",
        choices=["prefork", "threads"],
        help="threads, for what only waits (default: %(default)s)",
    )
    worker.add_argument("--concurrency", type=int, default=2, help="child processes, or threads (default: %(default)s)")
    worker.add_argument("--hostname", default=None, help="name among the workers (default: celery@HOST)")
    beat = processes.add_parser("beat", help="tick every second for the dispatcher; any number may run")
    beat.add_argument(
        "--schedule", default="celerybeat-schedule", help="file that remembers the last runs (default: %(default)s)"
    )
    alive = processes.add_parser(
        "alive", help="tell whether a worker of this machine completes tasks (a liveness probe)"
    )
    alive.add_argument("--hostname", required=True, help="the worker's name, as it was started with")
    alive.add_argument("--within", type=float, default=150.0, help="seconds since its last task (default: %(default)s)")
    for process in (worker, beat):
        process.add_argument("--loglevel", default="WARNING", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
