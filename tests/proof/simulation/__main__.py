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
    parser.add_argument("--stop", action="store_true", help="stop at the first violation")
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.test")
    django.setup()
    from tests.proof.simulation.profiles import PROFILES
    from tests.proof.simulation.schedules import play, theatre

    found = 0
    with theatre() as stage:
        for name in asked.schedule or list(PROFILES):
            profile, _, seed = name.partition(":")
            if seed:
                outcome = play(stage, PROFILES[profile], int(seed), print)
                found += bool(outcome.violation)
                continue
            began, cpu, decisions, operations = time.monotonic(), time.process_time(), 0, 0
            for number in range(asked.first, asked.first + asked.count):
                outcome = play(stage, PROFILES[profile], number)
                decisions += outcome.decisions
                operations += outcome.operations
                if outcome.violation:
                    found += 1
                    print(f"{outcome.name}  {outcome.violation}")
                    if asked.stop:
                        return 1
            print(
                f"{profile}: {asked.count} schedules, {operations} operations, {decisions} decisions, {time.monotonic() - began:.1f} s, cpu {(time.process_time() - cpu) / asked.count * 1000:.1f} ms each"
            )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
