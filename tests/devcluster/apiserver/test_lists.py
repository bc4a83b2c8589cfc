"""Lists: selectors, pages, Tables."""

import httpx
import pytest

from devcluster.apiserver.errors import ApiError
from devcluster.apiserver.selectors import parse
from devcluster.apiserver.tables import human_duration, json_path
from tests.devcluster.apiserver.samples import config_map, core, created, postgres, postgreses

LABELS = {"tier": "db", "engine": "postgres"}


@pytest.mark.parametrize(
    ("selector", "is_match"),
    [
        ("tier=db", True),
        ("tier==db,engine=postgres", True),
        ("tier=web", False),
        ("tier!=web", True),
        ("absent!=x", True),
        ("tier in (web, db)", True),
        ("tier in (web),engine", False),
        ("tier notin (web,cache),engine", True),
        ("absent notin (x)", True),
        ("engine", True),
        ("!engine", False),
        ("!absent", True),
        ("kubedb.com/name=x", False),
        ("", True),
    ],
)
def test_that_a_label_selector_selects(selector: str, is_match: bool) -> None:
    selection = parse(selector, "", "pods")

    assert selection.matches({"metadata": {"labels": LABELS}}) is is_match


@pytest.mark.parametrize(
    ("selector", "is_match"),
    [
        ("metadata.name=x", True),
        ("metadata.name!=x", False),
        ("status.phase=Running,spec.nodeName=pocket", True),
        ("status.phase!=Running", False),
    ],
)
def test_that_a_field_selector_selects(selector: str, is_match: bool) -> None:
    pod = {"metadata": {"name": "x"}, "spec": {"nodeName": "pocket"}, "status": {"phase": "Running"}}

    assert parse("", selector, "pods").matches(pod) is is_match


@pytest.mark.parametrize(("labels", "fields"), [("a in (b", ""), ("=b", ""), ("", "spec.replicas=1"), ("", "name")])
def test_that_nonsense_is_no_selector(labels: str, fields: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse(labels, fields, "pods")

    assert refused.value.code == 400


def test_that_lists_are_filtered(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    created(api, path, config_map("one", labels={"app": "a"}))
    created(api, path, config_map("two", labels={"app": "b"}))

    by_label = api.get(path, params={"labelSelector": "app in (b,c)"}).json()
    by_field = api.get("/api/v1/configmaps", params={"fieldSelector": f"metadata.namespace={namespace}"}).json()

    assert by_label["kind"] == "ConfigMapList"
    assert [item["metadata"]["name"] for item in by_label["items"]] == ["two"]
    assert len(by_field["items"]) == 2


def test_that_pages_show_the_state_of_the_first_one(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    for name in ("a", "b", "c", "d"):
        created(api, path, config_map(name))

    first = api.get(path, params={"limit": 2}).json()
    api.delete(path + "/c")
    created(api, path, config_map("bb"))
    second = api.get(path, params={"limit": 2, "continue": first["metadata"]["continue"]}).json()

    assert first["metadata"]["remainingItemCount"] == 2
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
    assert [item["metadata"]["name"] for item in second["items"]] == ["c", "d"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert "continue" not in second["metadata"]


def test_that_a_broken_continue_token_is_refused(api: httpx.Client, namespace: str) -> None:
    answer = api.get(core(namespace, "configmaps"), params={"limit": 1, "continue": "nonsense"})

    assert answer.status_code == 400


def test_that_the_past_can_be_listed(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    version = created(api, path, config_map("early"))["metadata"]["resourceVersion"]
    created(api, path, config_map("late"))

    past = api.get(path, params={"resourceVersion": version, "resourceVersionMatch": "Exact"}).json()
    future = api.get(path, params={"resourceVersion": "999999999"})

    assert [item["metadata"]["name"] for item in past["items"]] == ["early"]
    assert future.status_code == 504
    assert future.json()["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_that_a_table_has_the_columns_of_the_kind(api: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())

    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    table = api.get(postgreses(namespace), headers={"Accept": accept}).json()

    assert table["kind"] == "Table"
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Version", "Status", "Age"]
    assert table["rows"][0]["cells"][:3] == ["pg", "17.5", None]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5s"), (119, "119s"), (125, "2m5s"), (3000, "50m"), (11_000, "3h3m"), (100_000, "27h"), (300_000, "3d11h")],
)
def test_that_ages_read_as_in_kubectl(seconds: int, text: str) -> None:
    assert human_duration(seconds) == text


def test_that_printer_paths_reach_into_lists() -> None:
    body = {"status": {"conditions": [{"type": "Ready", "status": "True"}], "list": [1, 2]}}

    assert json_path(body, '.status.conditions[?(@.type=="Ready")].status') == "True"
    assert json_path(body, ".status.list[1]") == 2
    assert json_path(body, ".status.none.deeper") is None
