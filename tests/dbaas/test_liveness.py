"""That a worker counts as alive while it completes tasks, whatever its process does."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import LazySettings

from dbaas import celery, processes
from dbaas.liveness import Mark

WORKER = "worker@here"


def ask(monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    monkeypatch.setattr("sys.argv", ["processes", "alive", "--hostname", WORKER, *more])
    return processes.main()


@pytest.fixture(autouse=True)
def fresh(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALIVE_DIR = tmp_path
    monkeypatch.setattr(celery, "_marks", {})


def complete_a_task() -> None:
    celery._leave_mark(task=SimpleNamespace(request=SimpleNamespace(hostname=WORKER)))


def test_that_who_completes_tasks_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    complete_a_task()

    assert ask(monkeypatch) == 0


def test_that_who_never_completed_one_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch) == 1
    assert "never completed a task" in capsys.readouterr().err


def test_that_who_completed_its_last_long_ago_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    complete_a_task()
    long_ago = time.time() - 200
    os.utime(tmp_path / WORKER, (long_ago, long_ago))

    assert ask(monkeypatch) == 1
    assert ask(monkeypatch, "--within", "300") == 0
    assert "200 s ago" in capsys.readouterr().err


def test_that_a_busy_worker_does_not_wear_the_disk_out(tmp_path: Path) -> None:
    mark = Mark(tmp_path, WORKER)
    mark.leave()
    (tmp_path / WORKER).unlink()

    mark.leave()

    assert mark.age_seconds() is None


def test_that_a_task_outside_a_worker_leaves_nothing(tmp_path: Path) -> None:
    celery._leave_mark(task=SimpleNamespace(request=SimpleNamespace(hostname=None)))

    assert list(tmp_path.iterdir()) == []
