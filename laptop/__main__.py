"""The command line: `python -m laptop run | demo | stop`; `make run`, `make demo` and `make stop` call it."""

import argparse
import os
import signal
import sys
import time

from rich.console import Console
from rich.table import Table

from laptop.environment import ADMIN_EMAIL
from laptop.layout import CannotStart, Layout, layout_from
from laptop.supervision import STOP_SECONDS, System, running_pid, start

console = Console()


def main() -> int:
    """Run what was asked for and return the exit code."""
    arguments = _parser().parse_args()
    try:
        layout = layout_from(os.environ)
        if arguments.command == "stop":
            return _stop(layout)
        return _run(layout, with_demo=arguments.command == "demo", stay=not arguments.exit)
    except CannotStart as error:
        console.print(f"[bold red]Cannot start.[/] {error}", highlight=False)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m laptop",
        description="Run the whole system on this machine: API, workers, broker, pocket Kubernetes, Flower.",
        epilog="Environment: DBAAS_DATA_DIR, PORT, FLOWER_PORT, KUBE_PORT, BROKER_PORT (0 picks a free port).",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    run = commands.add_parser("run", help="start everything and stay until Ctrl-C")
    demo = commands.add_parser("demo", help="start everything, provision a PostgreSQL and a Redis, stay until Ctrl-C")
    for command in (run, demo):
        command.add_argument("--exit", action="store_true", help="stop everything again instead of staying")
    stop = commands.add_parser("stop", help="stop the copy that runs in DBAAS_DATA_DIR")
    stop.set_defaults(exit=True)
    return parser


def _run(layout: Layout, *, with_demo: bool, stay: bool) -> int:
    # also where a shell started us in the background, which makes a process ignore Ctrl-C
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    system: System | None = None
    try:
        with console.status("Starting", spinner="line") as status:
            system = start(layout, status.update)
        console.print(f"Everything is up after {time.monotonic() - began:.1f} s.", highlight=False)
        code = _demo(system) if with_demo else 0
        if stay and code == 0:
            _show_addresses(system)
            console.print("Press Ctrl-C to stop everything.")
            return system.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        if system is not None:
            with console.status("Stopping everything", spinner="line"):
                system.stop()
            console.print(
                "Everything is stopped; data stays in " + str(layout.data_dir), highlight=False, soft_wrap=True
            )
    return code


def _demo(system: System) -> int:
    from laptop.demo import run_demo

    return run_demo(system, console)


def _stop(layout: Layout) -> int:
    pid = running_pid(layout)
    if pid is None:
        console.print(f"Nothing runs in {layout.data_dir}.", highlight=False)
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running_pid(layout) is not None:
        if time.monotonic() > deadline:
            raise CannotStart(f"Process {pid} does not end; its log is {layout.log_dir / 'supervisord.log'}.")
        time.sleep(0.1)
    console.print("Everything is stopped.")
    return 0


def _show_addresses(system: System) -> None:
    layout = system.layout
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    secret = f"(password in {layout.environment_file}: ADMIN_PASSWORD)"
    for name, value in (
        ("API", f"{layout.web_url}/api/docs"),
        ("Admin", f"{layout.web_url}/admin/   {ADMIN_EMAIL} {secret}"),
        ("Flower", f"{layout.flower_url}   admin {secret}"),
        ("Kubernetes", f"kubectl --kubeconfig {layout.kubeconfig} get pg,rd,my,mg,es -A"),
        ("Logs", str(layout.log_dir)),
    ):
        table.add_row(name, value)
    console.print(table, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
