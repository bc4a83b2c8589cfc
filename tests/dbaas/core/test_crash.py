"""That crash points crash exactly where and how they are told to, and otherwise do nothing."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from dbaas.core import crash
from dbaas.core.crash import CrashPointReached, arm_from_environment, armed, crash_point

PASS_THREE_TIMES = """
import sys
from dbaas.core.crash import arm_from_environment, crash_point
arm_from_environment(sys.argv[1])
for number in range(1, 4):
    print(number, flush=True)
    crash_point("other")
    crash_point("a.point")
print("survived", flush=True)
"""


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """Leave nothing armed."""
    yield
    crash._armed.action = None


def started(setting: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", PASS_THREE_TIMES, setting], stdout=subprocess.PIPE, text=True)


def test_that_an_unarmed_point_does_nothing() -> None:
    arm_from_environment(None)
    arm_from_environment("")

    crash_point("a.point")


def test_that_raise_raises_at_the_nth_passing_and_only_there() -> None:
    arm_from_environment("provision.step.before:2:raise")
    crash_point("provision.step.before")
    crash_point("provision.step.after")

    with pytest.raises(CrashPointReached):
        crash_point("provision.step.before")

    crash_point("provision.step.before")


def test_that_nothing_of_ours_swallows_a_crash() -> None:
    assert not issubclass(CrashPointReached, Exception)


def test_that_kill_kills_the_process_on_the_spot() -> None:
    child = started("a.point:2:kill")

    output, _ = child.communicate(timeout=20)

    assert (child.returncode, output) == (-signal.SIGKILL, "1\n2\n")


def test_that_hang_hangs_and_the_process_lives() -> None:
    child = started("a.point:1:hang")
    assert child.stdout is not None
    assert child.stdout.readline() == "1\n"
    time.sleep(0.2)

    still_runs = child.poll() is None
    child.kill()
    rest = child.communicate(timeout=20)[0]

    assert still_runs
    assert rest == ""


@pytest.mark.parametrize("setting", ["a.point", "a.point:1", "a.point:x:kill", "a.point:1:explode"])
def test_that_a_setting_that_makes_no_sense_is_refused(setting: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the message is Python's own for half of them
        arm_from_environment(setting)


def test_that_a_block_is_disarmed_at_its_end_and_gives_back_what_was_armed_before() -> None:
    passed: list[str] = []

    def fail_inside() -> None:
        with armed(lambda name: passed.append(f"inner {name}")):
            crash_point("one")
            raise ZeroDivisionError

    with armed(passed.append):
        with pytest.raises(ZeroDivisionError):
            fail_inside()
        crash_point("two")
    crash_point("three")

    assert passed == ["inner one", "two"]
