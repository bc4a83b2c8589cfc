"""That quantities are read as Kubernetes writes them, settings are checked and written as each server reads them."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dbaas.core.errors import FieldError
from provisioning.changes import (
    Parameter,
    assignments,
    cnf_file,
    cpu_millicores,
    directives,
    flat_yaml,
    quantity_bytes,
    read_resources,
    yaml_file,
)
from provisioning.engines import all_engines
from provisioning.sizes import Resources
from tests.provisioning.golden.cases import CASES, Case

SETTINGS = {"b": "2", "a": "1"}
NUMBER = Parameter(name="n", description="A number.", minimum=1, maximum=9)
WORD = Parameter(name="w", description="A word.", allowed=("on", "off", "1.5"))
PARAMETERS = [
    pytest.param(parameter, id=f"{engine.name}-{parameter.name}")
    for engine in all_engines().values()
    for parameter in engine.changes.parameters
]


@pytest.mark.parametrize(
    ("quantity", "millicores"), [("500m", 500), ("2", 2000), (2, 2000), ("0.5", 500), ("1.25", 1250), ("1500m", 1500)]
)
def test_that_processor_time_is_read(quantity: object, millicores: int) -> None:
    assert cpu_millicores(quantity) == millicores


@pytest.mark.parametrize(
    ("quantity", "size"),
    [
        ("512Mi", 512 * 2**20),
        ("10Gi", 10 * 2**30),
        ("1.5Gi", 3 * 2**29),
        ("2Ti", 2 * 2**40),
        ("64Ki", 2**16),
        ("1G", 10**9),
        ("1k", 1000),
        ("1M", 10**6),
        ("1T", 10**12),
        ("1024", 1024),
        (1024, 1024),
    ],
)
def test_that_amounts_are_read(quantity: object, size: int) -> None:
    assert quantity_bytes(quantity) == size


@given(millicores=st.integers(1, 10**6), mebibytes=st.integers(1, 10**7))
def test_that_what_we_write_is_read_back(millicores: int, mebibytes: int) -> None:
    assert cpu_millicores(f"{millicores}m") == millicores
    assert quantity_bytes(f"{mebibytes}Mi") == mebibytes * 2**20


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_a_manifest_says_what_was_ordered(case: Case) -> None:
    order = case.order
    spec = case.manifests[-1]["spec"]

    held = order.engine.changes.read(spec, order.topology)

    assert (held.version, dict(held.topology), held.resources) == (
        order.version.name,
        dict(order.topology),
        order.resources,
    )


def test_that_a_node_says_what_it_has() -> None:
    limits = {"cpu": "2", "memory": "4Gi"}
    containers = [
        {"name": "helper", "resources": {"limits": {"cpu": "9", "memory": "9Gi"}}},
        {"name": "server", "resources": {"limits": limits}},
    ]
    node = {
        "podTemplate": {"spec": {"containers": containers}},
        "storage": {"resources": {"requests": {"storage": "10Gi"}}},
    }

    assert read_resources(node, "server") == Resources(cpu_millicores=2000, memory_mib=4096, storage_gib=10)


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (9, "9"), (5, "5")])
def test_that_a_number_within_its_bounds_is_taken(value: int, text: str) -> None:
    assert NUMBER.parse(value, "parameters.n") == text


@pytest.mark.parametrize(
    ("parameter", "value", "code"),
    [
        (NUMBER, 0, "out_of_range"),
        (NUMBER, 10, "out_of_range"),
        (NUMBER, "5", "invalid_type"),
        (NUMBER, 5.0, "invalid_type"),
        (NUMBER, True, "invalid_type"),
        (NUMBER, [5], "invalid_type"),
        (NUMBER, "5\nshared_preload_libraries = 'x'", "invalid_type"),
        (WORD, "maybe", "invalid_choice"),
        (WORD, "on\noff", "invalid_choice"),
        (WORD, None, "invalid_choice"),
    ],
)
def test_that_another_value_says_what_is_wrong_with_it(parameter: Parameter, value: object, code: str) -> None:
    found = parameter.parse(value, "parameters.x")

    assert isinstance(found, FieldError)
    assert (found.field, found.code) == ("parameters.x", code)


@pytest.mark.parametrize("value", ["on", "off", 1.5])
def test_that_a_word_that_is_offered_is_taken(value: object) -> None:
    assert WORD.parse(value, "parameters.w") == str(value)


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_that_every_setting_has_values_and_a_description(parameter: Parameter) -> None:
    assert parameter.description.endswith(".")
    if parameter.allowed:
        assert all(parameter.parse(value, "p") == value for value in parameter.allowed)
    else:
        assert parameter.minimum is not None
        assert parameter.maximum is not None
        assert parameter.minimum < parameter.maximum


@pytest.mark.parametrize("engine", all_engines())
def test_that_settings_have_one_name_each_and_are_found_by_it(engine: str) -> None:
    changes = all_engines()[engine].changes
    names = [parameter.name for parameter in changes.parameters]

    assert len(names) == len(set(names))
    assert [changes.parameter(name) for name in names] == list(changes.parameters)
    assert changes.parameter("no_such_setting") is None


@pytest.mark.parametrize("engine", all_engines())
def test_that_every_setting_is_in_the_file(engine: str) -> None:
    changes = all_engines()[engine].changes
    wanted = {one.name: one.allowed[0] if one.allowed else str(one.minimum) for one in changes.parameters}

    text = changes.render(wanted)

    assert text.endswith("\n")
    assert all(name.rpartition(".")[2] in text and value in text for name, value in wanted.items())


def test_that_each_server_s_file_is_written_in_order() -> None:
    assert assignments(SETTINGS) == "a = 1\nb = 2\n"
    assert cnf_file(SETTINGS) == "[mysqld]\na = 1\nb = 2\n"
    assert directives(SETTINGS) == "a 1\nb 2\n"
    assert yaml.safe_load(flat_yaml({"x.y": "1", "a.b": "2"})) == {"x.y": 1, "a.b": 2}


def test_that_dotted_names_become_sections() -> None:
    text = yaml_file({"net.maxIncomingConnections": "100", "net.port": "1", "setParameter.ttl": "false"})

    assert yaml.safe_load(text) == {"net": {"maxIncomingConnections": 100, "port": 1}, "setParameter": {"ttl": False}}
