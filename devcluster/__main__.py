"""The command line of the pocket cluster: arguments and dispatch, nothing else."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

DEFAULT_PORT = 6443
DESCRIPTION = """\
A Kubernetes API server and a KubeDB operator for one machine.

Without a subcommand both run, and end together on Ctrl-C. The first start makes a certificate authority, a
token and DIR/kubeconfig; later starts keep them and every object.
"""
EPILOG = """\
examples:
  python -m devcluster --data-dir ./cluster
  kubectl --kubeconfig ./cluster/kubeconfig get namespaces
  python -m devcluster apiserver --data-dir ./cluster --port 0
  python -m devcluster operator --kubeconfig ./cluster/kubeconfig --data-dir ./cluster
"""


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m devcluster", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw
    )
    _add_server_arguments(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_server_arguments(commands.add_parser("apiserver", help="run the API server alone"), is_alone=True)
    operator = commands.add_parser("operator", help="run the operator alone, against any API server")
    operator.add_argument("--kubeconfig", type=Path, required=True, metavar="FILE", help="how to reach the API server")
    operator.add_argument(
        "--data-dir", type=Path, required=True, metavar="DIR", help="where the engines keep their files"
    )
    return parser


def _add_server_arguments(parser: argparse.ArgumentParser, *, is_alone: bool = False) -> None:
    """Add the server's options; alone, absent ones keep what stood before the subcommand."""

    def add(name: str, otherwise: object, **more: Any) -> None:
        parser.add_argument(name, default=argparse.SUPPRESS if is_alone else otherwise, **more)

    add(
        "--data-dir",
        Path("devcluster-data"),
        type=Path,
        metavar="DIR",
        help="where everything is kept (default devcluster-data)",
    )
    add("--port", DEFAULT_PORT, type=int, help=f"port on 127.0.0.1; 0 picks a free one (default {DEFAULT_PORT})")
    add("--crds", None, type=Path, metavar="DIR", help="load the CRD files of this folder instead of our compact ones")
    add("--faults", False, action="store_true", help="serve /_faults, with which tests make the server misbehave")


def main() -> int:
    """Run what the command line asks for and give the exit code."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if arguments.command == "operator":
        from devcluster import operator

        return int(operator.main(arguments.kubeconfig, arguments.data_dir))
    from devcluster.apiserver import server
    from devcluster.apiserver.together import run_both

    options = server.Options(
        directory=arguments.data_dir,
        port=arguments.port,
        crd_directory=arguments.crds,
        has_faults=arguments.faults,
    )
    try:
        return server.main(options) if arguments.command == "apiserver" else run_both(options)
    except server.StartError as error:
        print(error, file=sys.stderr)  # noqa: T201 — a sentence for people
        return 1


if __name__ == "__main__":
    sys.exit(main())
