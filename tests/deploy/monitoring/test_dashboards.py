"""That the dashboards show only what /metrics of a running copy has, and say what each panel means, in which unit."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.deploy.commands import ROOT
from tests.deploy.monitoring.promql import labels_in, names_in
from tests.deploy.monitoring.promtool import run_promtool
from tests.deploy.monitoring.scrape import scrape
from tests.deploy.monitoring.shown import labels_shown
from tests.deploy.monitoring.troubles import System
from tests.docs.pages import text_of

FOLDER = ROOT / "deploy/grafana"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
UNITS = {"s", "short", "percentunit", "reqps", "ops"}
KINDS = {"timeseries", "stat", "table"}


@cache
def dashboard(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(path.read_bytes())
    return document


def panels() -> list[tuple[str, dict[str, Any]]]:
    return [(path.stem, panel) for path in DASHBOARDS for panel in dashboard(path)["panels"]]


def queries() -> list[str]:
    return [target["expr"] for _, panel in panels() for target in panel["targets"]]


@pytest.mark.parametrize(
    ("name", "panel"), panels(), ids=lambda value: value if isinstance(value, str) else value["title"]
)
def test_that_a_panel_says_what_it_shows_in_which_unit(name: str, panel: dict[str, Any]) -> None:
    del name

    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["type"] in KINDS
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize("query", queries())
def test_that_a_panel_asks_only_for_what_is_shown(query: str) -> None:
    shown = labels_shown()

    for name, labels in labels_in(query).items():
        assert labels - shown[name] == set(), name


@pytest.mark.parametrize(
    ("name", "panel"), panels(), ids=lambda value: value if isinstance(value, str) else value["title"]
)
def test_that_a_legend_names_labels_that_the_query_keeps(name: str, panel: dict[str, Any]) -> None:
    del name

    for target in panel["targets"]:
        kept = {label for labels in labels_in(target["expr"]).values() for label in labels}
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= kept


def test_that_a_running_copy_shows_what_the_panels_ask_for(system: System) -> None:
    system.api.by(system.owner).get("databases")
    page = scrape(system.api)

    asked = {name for query in queries() for name in names_in(query) if not name.startswith("dbaas:")}

    assert {re.sub(r"_(?:bucket|count|sum|total)$", "", name) for name in asked} <= {
        re.sub(r"_total$", "", name) for name in page.names
    }
    assert len(asked) > 25


def test_that_gauges_from_the_database_are_never_added_up_over_processes() -> None:
    read = {
        name.strip("`") for name in re.findall(r"^\| (`\w+`) \| gauge, read", text_of("docs/metrics.md"), re.MULTILINE)
    }
    inner = re.compile(r"(?:max|min)(?: by \([\w, ]+\))? ?\((\w+)")

    for query in queries():
        guarded = set(inner.findall(query))
        assert names_in(query) & read - {"dbaas_build_info"} <= guarded, query
    assert len(read) > 10


def test_that_panels_do_not_lie_on_each_other() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in dashboard(path)["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            assert place["x"] + place["w"] <= 24
            taken |= cells


def test_that_every_dashboard_has_a_name_of_its_own() -> None:
    assert len({dashboard(path)["uid"] for path in DASHBOARDS}) == len(DASHBOARDS) == 4


def test_that_the_runbook_names_panels_that_exist() -> None:
    named = set(re.findall(r'panel\s+"([^"]+)"', text_of("docs/runbook.md")))

    assert named - {panel["title"] for _, panel in panels()} == set()
    assert named


def test_that_compose_mounts_what_prometheus_and_grafana_read() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    provider = yaml.safe_load((FOLDER / "provisioning/dashboards/dbaas.yml").read_text(encoding="utf-8"))
    mounts = [volume.split(":") for name in ("prometheus", "grafana") for volume in services[name]["volumes"]]

    assert [source for source, *_ in mounts if source.startswith("./") and not (ROOT / source).exists()] == []
    targets = {target for _, target, *_ in mounts}
    assert set(scraped["rule_files"]) <= targets
    assert provider["providers"][0]["options"]["path"] in targets
    ports = {name: services[name]["environment"]["METRICS_PORT"] for name in ("worker", "webhooks", "watcher")}
    assert ports == dict.fromkeys(scraped["scrape_configs"][1]["dns_sd_configs"][0]["names"], "9100")


def test_that_the_configuration_is_one_that_prometheus_reads(tmp_path: Path) -> None:
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
    path = tmp_path / "prometheus.yml"
    path.write_text(text.replace("/etc/prometheus/", f"{ROOT}/deploy/prometheus/"), encoding="utf-8")

    done = run_promtool("check", "config", str(path))

    assert done.returncode == 0, done.stdout + done.stderr
