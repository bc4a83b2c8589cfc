"""Tells the proof of every race what it came to."""

import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from provisioning.models import Cluster
from tests.cast import Api
from tests.proof.crashes.record import Tally, write_line
from tests.proof.races.racing import RACED


@pytest.fixture
def nowhere(shared_database: None) -> Cluster:
    """A registered cluster that nobody answers for, in the metadata database that the threads share."""
    del shared_database
    return Cluster.objects.create(name="nowhere", region="local", kubeconfig_path="/nonexistent")


@pytest.fixture(autouse=True)
def eager_threads(shared_database: None) -> Iterator[None]:
    """Let threads take turns every 20 microseconds: with the usual 5 ms each request would be over before the next began."""
    del shared_database
    Api().get("auth/me")  # django-prometheus makes its metrics at the first request, and not safely
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.00002)
    yield
    sys.setswitchinterval(before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Write a line when a race was run, or could not be."""
    report = yield
    if call.when == "call" or report.failed:
        tally = Tally(tried=RACED.pop("calls", 0), violations=[f"{item.name}: {call.excinfo}"] if report.failed else [])
        write_line("races", tally)
    return report
