"""Tests that the chart's files that are made from others are those that would be made now."""

import pytest

from tests.deploy.commands import ROOT
from tests.deploy.helm.charted import CHART, values
from tests.deploy.helm.generated import COPIES, readme, schema


@pytest.mark.parametrize(("file", "made"), [("values.schema.json", schema()), ("README.md", readme())])
def test_that_it_is_fresh(file: str, made: str) -> None:
    assert (CHART / file).read_text(encoding="utf-8") == made, "run `make chart`"


@pytest.mark.parametrize(("file", "source"), COPIES.items())
def test_that_a_copy_is_its_source(file: str, source: str) -> None:
    if not (ROOT / source).exists():
        pytest.skip(f"NOT COMPARED: {source} is not in this tree")

    assert (CHART / file).read_text(encoding="utf-8") == (ROOT / source).read_text(encoding="utf-8"), "run `make chart`"


def test_that_every_value_says_what_it_means() -> None:
    assert [value.path for value in values() if not value.meaning] == []
    assert len(values()) > 100
