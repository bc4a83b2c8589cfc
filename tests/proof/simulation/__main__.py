"""`python -m tests.proof.simulation`: replay one schedule with its trace, or try many."""

import argparse
import os
import sys
import time

import django


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
    from tests.proof.simulation.schedules import Outcome, play, theatre

    found = 0
    with theatre() as stage:
        for name in asked.schedule or list(PROFILES):
            profile, _, seed = name.partition(":")
            numbers = [int(seed)] if seed else range(asked.first, asked.first + asked.count)
            tells = print if seed else None
            began = time.process_time()
            total = Outcome(profile=profile, seed=0)
            for number in numbers:
                outcome = play(stage, PROFILES[profile], number, tells)
                total.add(outcome)
                if outcome.violation:
                    found += 1
                    print(f"{outcome.name}  {outcome.violation}")
            spent = (time.process_time() - began) * 1000 / len(numbers)
            print(f"{profile}: {len(numbers)} schedules, {total.operations} operations, {spent:.0f} ms each")
            print("  " + ", ".join(f"{what} {times}" for what, times in sorted(total.suffered.items())))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
