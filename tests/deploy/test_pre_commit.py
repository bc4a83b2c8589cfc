"""Tests of the hooks that run before a commit."""

import shutil
from typing import Any

import yaml
from pre_commit.clientlib import load_config  # type: ignore[import-untyped] # it carries no types

from tests.deploy.commands import ROOT

PATH = ROOT / ".pre-commit-config.yaml"


def hooks() -> list[dict[str, Any]]:
    document = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return [hook for repository in document["repos"] for hook in repository["hooks"]]


def test_that_pre_commit_understands_the_file() -> None:
    assert load_config(PATH)["repos"]


def test_that_nothing_is_fetched_from_the_network() -> None:
    document = yaml.safe_load(PATH.read_text(encoding="utf-8"))

    assert {repository["repo"] for repository in document["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks()} == {"system"}


def test_that_every_hook_runs_a_tool_that_make_check_installs() -> None:
    missing = [hook["id"] for hook in hooks() if shutil.which(ROOT / hook["entry"].split()[0]) is None]

    assert missing == []
