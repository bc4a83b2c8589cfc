"""Tests that hold for every page: what it names exists."""

import importlib.util
import re

import pytest
from django.core.management import get_commands

from tests.docs.pages import ROOT, anchors_of, commands_in, links_of, name_of, pages, quoted_in

NAMES = [name_of(page) for page in pages()]
FOLDERS = "accounts|dbaas|deploy|devcluster|docs|laptop|provisioning|scripts|tenants|tests|webhooks"
FILES = (
    r"\.importlinter|Makefile|Procfile|pyproject\.toml|docker-compose\.yml|manage\.py|requirements[\w-]*\.(?:in|txt)"
)
PATH = re.compile(rf"(?:(?:{FOLDERS})(?:/[\w.-]+)*/?|{FILES})")
MADE_LATER = {"deploy/docker/kubeconfigs", "devcluster-data"}
"""Folders that users make."""


def paths_in(name: str) -> list[str]:
    return [quoted for quoted in quoted_in(name) if PATH.fullmatch(quoted) and quoted not in MADE_LATER]


@pytest.mark.parametrize("name", NAMES)
def test_that_links_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    broken = []
    for link in links_of(name):
        path, _, anchor = link.partition("#")
        target = (folder / path if path else ROOT / name).resolve()
        if link.startswith(("https://", "http://")):
            continue
        if not target.exists() or (anchor and anchor not in anchors_of(name_of(target))):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_that_the_paths_that_it_names_exist(name: str) -> None:
    assert [path for path in paths_in(name) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_that_the_make_targets_that_it_names_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {target for command in commands_in(name) for target in re.findall(r"\bmake ([a-z-]+)", command)}

    assert named - targets == set()


@pytest.mark.parametrize("name", NAMES)
def test_that_the_management_commands_that_it_names_exist(name: str) -> None:
    named = {word for command in commands_in(name) for word in re.findall(r"\bmanage\.py ([a-z_]+)", command)}

    assert named - set(get_commands()) == set()


@pytest.mark.parametrize("name", NAMES)
def test_that_the_modules_that_it_runs_exist(name: str) -> None:
    named = {word for command in commands_in(name) for word in re.findall(r"python -m ([a-z_.]+)", command)}

    assert [module for module in named if importlib.util.find_spec(module) is None] == []


def test_that_the_checks_find_what_they_look_for() -> None:
    """A pattern that matches nothing would pass for ever."""
    assert len(paths_in("docs/architecture.md")) > 5
    assert any("make demo" in command for command in commands_in("README.md"))
    assert any("manage.py migrate" in command for command in commands_in("docs/running.md"))
    assert any("python -m devcluster" in command for command in commands_in("docs/pocket-cluster.md"))
    assert any("#" in link for link in links_of("README.md"))
