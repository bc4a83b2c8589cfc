"""`python -m tests.proof.simulation`: replay one schedule with its trace, or try many."""

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from tests.proof.simulation.schedules import Theatre


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.simulation", description=__doc__)
    parser.add_argument("schedule", nargs="*", help="<profile>:<seed> to replay, or <profile> to try many seeds of")
    parser.add_argument("--count", type=int, default=100, help="how many seeds of a profile are tried (default 100)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default 0)")
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.test")
    django.setup()
    from tests.proof.simulation.profiles import PROFILES
    from tests.proof.simulation.schedules import theatre

    with theatre() as stage:
        found = [_try(stage, name, asked.first, asked.count) for name in asked.schedule or PROFILES]
    return 1 if any(found) else 0


def _try(stage: "Theatre", name: str, first: int, count: int) -> bool:
    """Play one schedule, or so many of a profile; tell whether anything was violated."""
    from tests.proof.simulation.profiles import PROFILES
    from tests.proof.simulation.schedules import Outcome, play

    profile, _, seed = name.partition(":")
    numbers = [int(seed)] if seed else range(first, first + count)
    began, total, violated = time.process_time(), Outcome(profile=profile, seed=0), False
    for number in numbers:
        outcome = play(stage, PROFILES[profile], number, say if seed else None)
        total.add(outcome)
        violated = violated or bool(outcome.violation)
        if outcome.violation:
            say(f"{outcome.name}  {outcome.violation}")
    spent = (time.process_time() - began) * 1000 / len(numbers)
    say(f"{profile}: {len(numbers)} schedules, {total.operations} operations, {spent:.0f} ms each")
    say("  " + ", ".join(f"{what} {times}" for what, times in sorted(total.suffered.items())))
    return violated


if __name__ == "__main__":
    sys.exit(main())
