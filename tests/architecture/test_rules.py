"""Rules that neither the linter nor import-linter can say, each with its reason."""

import re
from pathlib import Path

import pytest

from tests.architecture.sizes import ROOT, Excess, excesses_in, sources

PRODUCT = ("accounts/", "dbaas/", "provisioning/", "tenants/", "webhooks/")


def lines_with(pattern: str, *, under: tuple[str, ...] = PRODUCT, but: tuple[str, ...] = ()) -> list[str]:
    found: list[str] = []
    for path in sources():
        name = str(path.relative_to(ROOT))
        if not name.startswith(under) or name.startswith(but):
            continue
        text = path.read_text(encoding="utf-8")
        found += [f"{name}:{number}" for number, line in enumerate(text.splitlines(), 1) if re.search(pattern, line)]
    return found


def test_that_transactions_are_opened_through_one_door() -> None:
    """Django's own `atomic` is a silent no-op on MongoDB."""
    assert lines_with(r"import transaction\b|transaction\.atomic|\.on_commit\(", but=("dbaas/core/db.py",)) == []


def test_that_nothing_relies_on_row_locks() -> None:
    """SQLite and MongoDB have none."""
    assert lines_with(r"select_for_update|skip_locked") == []


def test_that_engines_are_told_apart_in_their_own_files_only() -> None:
    """A new engine is one file."""
    assert lines_with(r"\bengine(\.name)?\s*[!=]=\s*[\"']", but=("provisioning/engines/",)) == []


def test_that_no_step_sleeps() -> None:
    """A worker asleep is a worker lost; waiting returns `Wait`. The pace between two calls is hundredths of a second."""
    known = ("dbaas/core/crash.py", "provisioning/management/", "provisioning/cluster/limits.py")

    assert lines_with(r"\bsleep\(", but=known) == []


def test_that_celery_is_known_in_few_files() -> None:
    """The queue is only a nudge; the fewer know it, the easier it is replaced."""
    knowing = {line.split(":")[0] for line in lines_with(r"^\s*(from|import) celery\b|from kombu|import kombu")}

    assert knowing == {"dbaas/celery.py", "provisioning/dispatch.py", "provisioning/tasks.py", "webhooks/tasks.py"}


def test_that_rest_framework_stays_in_api_packages() -> None:
    """Services must be callable from a command or a task."""
    outside = [line for line in lines_with(r"(from|import) rest_framework\b") if "/api/" not in line]

    assert outside == []


@pytest.mark.parametrize("word", ["utils", "helpers", "manager", "common", "misc"])
def test_that_no_file_is_named_after_nothing(word: str) -> None:
    """A file's name is its idea."""
    assert [path for path in sources() if word in Path(path).stem.split("_")] == []


def test_that_everything_keeps_to_its_cap() -> None:
    assert [excess for path in sources() for excess in excesses_in(path, path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1\n" * 301, "301 lines, 300 allowed"),
        ("def f():\n" + "    x = 1\n" * 40, "41 lines, 40 allowed"),
        (
            "def f():\n    if a:\n        if b:\n            if c:\n                if d:\n                    pass\n",
            "nests 4 deep, 3 allowed",
        ),
    ],
)
def test_that_the_caps_can_be_passed(text: str, what: str) -> None:
    assert [excess.what for excess in excesses_in(ROOT / "provisioning/x.py", text)] == [what]


def test_that_an_elif_is_no_level_of_its_own() -> None:
    text = "def f():\n    if a:\n        pass\n    elif b:\n        pass\n    elif c:\n        pass\n    elif d:\n        pass\n"

    assert list(excesses_in(ROOT / "provisioning/x.py", text)) == list[Excess]()
