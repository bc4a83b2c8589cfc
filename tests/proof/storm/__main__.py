"""`python -m tests.proof.storm --seed N --operations N` runs one storm by itself and tells what it does as it goes."""

import argparse
import random
import signal
import sys
import time

from tests.proof.storm.prove import weather_for
from tests.proof.storm.site import Site
from tests.proof.storm.storm import Aftermath, Say, Storm


def main() -> int:
    """Run what the command line asks for and return the exit code."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seed = arguments.seed if arguments.seed is not None else random.randrange(1_000_000)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f}  {text}", flush=True)  # noqa: T201 -- a command line tells people

    site = Site.prepare(lease_seconds=arguments.lease)
    say(f"seed {seed}, {arguments.operations} operations, logs in {site.layout.log_dir}")
    is_well = False
    try:
        site.start()
        say("everything is up")
        aftermath = Storm(site, weather_for(arguments.operations, arguments.chaos_seconds), seed, say).run()
        is_well = not aftermath.violations
        _report(aftermath, site, say=say)
    except KeyboardInterrupt:
        say("stopping")
        is_well = True
    finally:
        site.stop()
        if is_well and not arguments.keep:
            site.remove()
    return 0 if is_well else 1


def _report(aftermath: Aftermath, site: Site, *, say: Say) -> None:
    say(f"{aftermath.accepted} operations accepted, {aftermath.most_moving} under way at one moment")
    say(f"they ended: {dict(aftermath.states)}; at rest {aftermath.rest_seconds:.0f} s after the calm")
    say(f"{aftermath.samples} samples; {dict(sorted(aftermath.faults.items()))}")
    for violation in aftermath.violations:
        say(f"VIOLATED (seed {aftermath.seed}, logs in {site.layout.log_dir}): {violation}")
    say("every invariant held" if not aftermath.violations else f"{len(aftermath.violations)} violations")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof.storm",
        description="Run the whole system with two of everything, let customers work and chaos strike, and see whether every promise is kept.",
    )
    parser.add_argument("--seed", type=int, default=None, help="of the customers and of the chaos (default: any)")
    parser.add_argument("--operations", type=int, default=200, help="how many customers ask for (default: %(default)s)")
    parser.add_argument("--lease", type=int, default=60, help="seconds that a dead worker costs (default: %(default)s)")
    parser.add_argument(
        "--chaos-seconds", type=float, default=60.0, help="how long chaos strikes at least (default: %(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="keep logs and data even if all is well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
