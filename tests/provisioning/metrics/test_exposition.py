"""That a page in the Prometheus text format is read as it is written."""

import pytest

from provisioning.metric_names import named
from provisioning.metrics.exposition import samples_in, values_of
from provisioning.metrics.quantities import quantity

PAGE = r"""
# HELP pg_up Whether it is up.
# TYPE pg_up gauge
pg_up 1
conns{type="current",pod="a-0"} 3 1769860800000
conns{type="available", pod="a-0",} 97
odd{text="a \"b\" {c}, d=\\e\n"} 1.5e+2
nan_value NaN
not a sample
a_word x
broken{
"""


def test_that_names_labels_and_values_are_read() -> None:
    samples = samples_in(PAGE)

    assert [(sample.name, dict(sample.labels), sample.value) for sample in samples] == [
        ("pg_up", {}, 1.0),
        ("conns", {"type": "current", "pod": "a-0"}, 3.0),
        ("conns", {"type": "available", "pod": "a-0"}, 97.0),
        ("odd", {"text": 'a "b" {c}, d=\\e\n'}, 150.0),
    ]


def test_that_values_are_found_by_name_and_labels() -> None:
    samples = samples_in(PAGE)

    assert values_of(samples, named("conns")) == [3.0, 97.0]
    assert values_of(samples, named("conns", type="current")) == [3.0]
    assert values_of(samples, named("pg_up", "missing")) == [1.0]
    assert values_of(samples, ()) == []


@pytest.mark.parametrize(
    ("text", "value"), [("250m", 0.25), ("2", 2), ("128Mi", 2**27), ("1500000n", 0.0015), (None, 0), ("1G", 1e9)]
)
def test_that_quantities_are_read(text: str | None, value: float) -> None:
    assert quantity(text) == pytest.approx(value)
