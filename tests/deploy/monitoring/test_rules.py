"""That the alert rules are sound, name only what /metrics shows, and that each leads to a page that says what to do."""

import re
from pathlib import Path

import pytest
import yaml

from dbaas.core.errors import Permanent
from provisioning.cluster import errors
from provisioning.workflow import runner
from tests.deploy.monitoring.promql import labels_in
from tests.deploy.monitoring.promtool import RULES, alerts, rules, run_promtool
from tests.deploy.monitoring.shown import labels_shown
from tests.docs.pages import text_of

RUNBOOK = "docs/runbook.md"
PARTS = ("What it means", "How to look", "What to do", "How to know it is over")


def section_of(anchor: str) -> str:
    """Return the text under the heading that has this anchor."""
    for part in re.split(r"^## ", text_of(RUNBOOK), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        if heading.strip().lower().replace(" ", "-") == anchor:
            return text
    return ""


def test_that_promtool_finds_nothing_wrong() -> None:
    done = run_promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))

    assert done.returncode == 0, done.stdout + done.stderr


def test_that_the_unit_tests_of_the_rules_pass() -> None:
    done = run_promtool("test", "rules", str(RULES.with_name("rules_test.yml")))

    assert done.returncode == 0, done.stdout + done.stderr


def test_that_every_alert_has_a_unit_test() -> None:
    text = RULES.with_name("rules_test.yml").read_text(encoding="utf-8")

    assert [name for name in alerts() if f'alertname="{name}"' not in text] == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_that_a_rule_names_only_what_is_there(rule: dict[str, str]) -> None:
    shown = labels_shown()

    for name, labels in labels_in(rule["expr"]).items():
        assert labels - shown[name] == set(), name


@pytest.mark.parametrize("name", alerts())
def test_that_an_alert_tells_what_whoever_is_woken_must_know(name: str) -> None:
    alert = alerts()[name]

    assert alert["labels"]["severity"] in ("page", "warn")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert re.search(r"\d|\$value", alert["annotations"]["description"]), "a description says how much"
    assert "for" in alert or "increase(" in alert["expr"]


@pytest.mark.parametrize("name", alerts())
def test_that_an_alert_leads_to_its_page_in_the_runbook(name: str) -> None:
    page, _, anchor = alerts()[name]["annotations"]["runbook_url"].partition("#")

    text = section_of(anchor)

    assert (page, anchor) == (RUNBOOK, name.lower())
    assert [part for part in PARTS if f"**{part}.**" not in text] == []


def test_that_the_runbook_has_no_page_for_an_alert_that_is_gone() -> None:
    written = set(re.findall(r"^## ([A-Z]\w+[A-Z]\w+)$", text_of(RUNBOOK), re.MULTILINE))

    assert written - set(alerts()) == set()
    assert len(written) > 20


def reasons() -> set[str]:
    """Return the codes with which the runner itself stops an operation, and those of a cluster's refusals."""
    text = Path(runner.__file__).read_text(encoding="utf-8")
    ours = set(re.findall(r'"((?:operation|step|internal)\.\w+)"', text))
    return ours | {error.code for error in Permanent.__subclasses__() if error.__module__ == errors.__name__}


def test_that_every_reason_for_being_stuck_has_its_page() -> None:
    written = re.split(r"^### ", text_of(RUNBOOK), flags=re.MULTILINE)[1:]
    pages = {part.partition("\n")[0].strip("`"): part for part in written}

    assert reasons() - set(pages) == set()
    assert len(reasons()) > 8
    assert [name for name, text in pages.items() if any(f"**{part}.**" not in text for part in PARTS)] == []


def test_that_the_inhibitions_are_between_alerts_that_exist() -> None:
    document = yaml.safe_load(RULES.with_name("alertmanager.yml").read_text(encoding="utf-8"))
    named = set(re.findall(r"\b[A-Z]\w+[a-z]\b", str(document["inhibit_rules"])))

    assert named - set(alerts()) == set()
    assert {receiver["name"] for receiver in document["receivers"]} == {"on-call", "morning"}
