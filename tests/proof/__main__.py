"""`python -m tests.proof`: run every part of the proof, and print one table of what was done to the product and whether it held.

Minutes by default (`make proof`), an hour and more with `--long` (`make proof-long`). The exit code is 0 only if every invariant held and
every promised number was reached.
"""

import argparse
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import django
import orjson

from tests.proof.report import Number, Result, Scale, table

LAYERS = {
    "simulation": "schedules, stateful examples and mutants of the real code on a simulated clock, broker and cluster",
    "crashes": "a crash or a freeze at every point of every operation, on every metadata database that is here",
    "races": "many requests at the same moment, in real threads",
    "storm": "real processes that are killed, frozen and cut off, and the promised numbers",
}


_NEED_DJANGO = ("crashes", "races")
"""They import the product before they start its tests; the others set up what they need themselves."""


def main() -> int:
    """Run what was asked for, print the table, and return 1 if anything was violated or a number was missed that counts."""
    arguments = _parser().parse_args()
    if arguments.one:
        return _run_one(arguments.one, Scale(arguments.scale), Path(arguments.into))
    scale = Scale.LONG if arguments.long else Scale.CI
    results: list[Result] = []
    for name in arguments.only or LAYERS:
        began = time.monotonic()
        sys.stderr.write(f"proof: {name}: {LAYERS[name]} ...\n")
        results += _run_apart(name, scale)
        sys.stderr.write(f"proof: {name} took {time.monotonic() - began:.0f} s\n")
    if arguments.json:
        Path(arguments.json).write_bytes(_dumped(results))
    sys.stdout.write(table(results) + "\n")
    held = all(not result.violations and (arguments.numbers_may_miss or result.holds) for result in results)
    return 0 if held else 1


def _run_apart(name: str, scale: Scale) -> list[Result]:
    """Run one layer in a process of its own: each sets up Django for itself, and one that dies takes no other along."""
    into = Path(os.environ.get("TMPDIR", "/tmp")) / f"proof-{os.getpid()}-{name}.json"  # noqa: S108 -- ours alone by its name
    command = [sys.executable, "-m", "tests.proof", "--one", name, "--scale", scale, "--into", str(into)]
    try:
        code = subprocess.run(command, check=False).returncode
        if not into.is_file():
            return [
                Result(layer=name, what="all of it", tried=0, violations=[f"it ended with code {code} and no result"])
            ]
        return [_loaded(item) for item in orjson.loads(into.read_bytes())]
    finally:
        into.unlink(missing_ok=True)


def _run_one(name: str, scale: Scale, into: Path) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.test")
    if name in _NEED_DJANGO:
        django.setup()
    prove: Callable[[Scale], list[Result]] = importlib.import_module(f"tests.proof.{name}.prove").prove
    into.write_bytes(_dumped(prove(scale)))
    return 0


def _dumped(results: list[Result]) -> bytes:
    plain = [
        {
            **vars(result),
            "faults": {str(name): count for name, count in result.faults.items()},
            "violations": list(result.violations),
            "numbers": [asdict(number) for number in result.numbers],
        }
        for result in results
    ]
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2)


def _loaded(item: dict[str, object]) -> Result:
    numbers = [Number(**number) for number in item.pop("numbers")]  # type: ignore[attr-defined] # as _dumped wrote it
    return Result(**item, numbers=numbers)  # type: ignore[arg-type] # the same


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<11} {what}" for name, what in LAYERS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof",
        description="Prove that no accepted operation is lost, doubled or silently stuck.",
        epilog=f"layers:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--long", action="store_true", help="an hour and more instead of minutes")
    parser.add_argument("--only", action="append", choices=list(LAYERS), help="run this layer only; may be repeated")
    parser.add_argument(
        "--numbers-may-miss",
        action="store_true",
        help="fail for violations only: on a machine that others use too, a time that was missed proves nothing",
    )
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    parser.add_argument("--one", choices=list(LAYERS), help=argparse.SUPPRESS)
    parser.add_argument("--scale", default=Scale.CI, help=argparse.SUPPRESS)
    parser.add_argument("--into", default="", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
