"""Tells the proof of every race what it came to."""

from collections.abc import Generator
from typing import Any

import pytest

from provisioning.models import Cluster
from tests.proof.crashes.record import Tally, write_line
from tests.proof.races.racing import RACED


@pytest.fixture
def nowhere(shared_database: None) -> Cluster:
    """A registered cluster that nobody answers for, in the metadata database that the threads share."""
    del shared_database
    return Cluster.objects.create(name="nowhere", region="local", kubeconfig_path="/nonexistent")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Write a line when a race was run, or could not be."""
    report = yield
    if call.when == "call" or report.failed:
        tally = Tally(tried=RACED.pop("calls", 0), violations=[f"{item.name}: {call.excinfo}"] if report.failed else [])
        write_line("races", tally)
    return report
