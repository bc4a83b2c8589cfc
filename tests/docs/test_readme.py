"""Tests that the README keeps its promises, as far as that goes without starting the system."""

import re
import subprocess

from laptop.layout import layout_from
from provisioning.operations import all_workflows
from tests.docs.pages import blocks_of, table_in, text_of


def test_that_the_tour_is_one_script_without_mistakes_in_its_syntax() -> None:
    tours = [body for words, body in blocks_of("README.md") if words == "sh tour"]

    assert len(tours) == 1
    checked = subprocess.run(["sh", "-n"], input=tours[0], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_that_the_ports_are_those_of_the_launcher() -> None:
    layout = layout_from({})
    told = dict(re.findall(r"`(\w*PORT)`, (\d+)", " ".join(row[2] for row in table_in("README.md", "process"))))

    assert told == {
        "PORT": str(layout.web_port),
        "FLOWER_PORT": str(layout.flower_port),
        "KUBE_PORT": str(layout.kube_port),
    }


def test_that_no_operation_that_exists_is_said_to_be_missing() -> None:
    missing = text_of("README.md").partition("**Not yet**")[2].partition("##")[0]
    named = {word.replace("-", "_") for word in re.findall(r"`([a-z-]+)`", missing)}

    assert "scale" in named or "scale" in all_workflows()
    assert named & {kind.replace("-", "_") for kind in all_workflows()} == set()
