"""That PostgreSQL finds a user to run as, whoever starts the operator."""

import os
import pwd
import subprocess

import pytest

from devcluster.operator.servers.postgresql import ordinary_user

WHO = ["python3", "-c", "import os, pwd; print(pwd.getpwuid(os.geteuid()).pw_name)"]


def test_that_an_ordinary_user_stays_who_they_are() -> None:
    assert ordinary_user(pwd.getpwnam("nobody").pw_uid) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts what root starts")
def test_that_root_becomes_somebody_whom_the_user_database_knows() -> None:
    name = subprocess.run([*ordinary_user(0), *WHO], capture_output=True, text=True, check=True).stdout.strip()

    assert name == "nobody"


def test_that_somebody_without_a_name_gets_one() -> None:
    nameless = next(uid for uid in range(40_000, 60_000) if uid not in {entry.pw_uid for entry in pwd.getpwall()})

    command = ordinary_user(nameless)

    nobody = pwd.getpwnam("nobody")
    assert command == ["unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}"]
