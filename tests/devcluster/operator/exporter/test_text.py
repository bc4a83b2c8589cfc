"""That pages are written as Prometheus reads them."""

from devcluster.operator.exporter.collect import load_sources, quantity_bytes
from devcluster.operator.exporter.text import Sample, written


def test_that_lines_of_a_name_stand_together_under_its_type() -> None:
    samples = [
        Sample(name="redis_up", value=1, labels={"pod": "a-0"}),
        Sample(name="redis_commands_processed_total", value=7),
        Sample(name="redis_up", value=0, labels={"pod": "a-1"}),
    ]

    assert written(samples, ["Some are simulated."]).splitlines() == [
        "# Some are simulated.",
        "# TYPE redis_up gauge",
        'redis_up{pod="a-0"} 1',
        'redis_up{pod="a-1"} 0',
        "# TYPE redis_commands_processed_total counter",
        "redis_commands_processed_total 7",
    ]


def test_that_labels_are_escaped() -> None:
    assert written([Sample(name="n", value=0.5, labels={"a": 'x"y\\z\n'})]).splitlines()[1] == r'n{a="x\"y\\z\n"} 0.5'


def test_that_large_counters_lose_nothing() -> None:
    assert written([Sample(name="n", value=9007199254740991)]).endswith(" 9007199254740991\n")


def test_that_sources_are_found_in_their_folder() -> None:
    assert {plural: source.up for plural, source in load_sources().items()} == {
        "postgreses": "pg_up",
        "redises": "redis_up",
    }


def test_that_quantities_of_storage_are_read() -> None:
    assert [quantity_bytes(text) for text in ("1Gi", "512Mi", "1000")] == [2**30, 2**29, 1000]
