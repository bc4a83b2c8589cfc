"""Trouble on demand."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.devcluster.apiserver.conftest import Connect
from tests.devcluster.apiserver.samples import Body, config_map, core


@pytest.fixture(autouse=True)
def _behave_again(api: httpx.Client) -> Iterator[None]:
    yield
    api.delete("/_faults")


def ask_for(api: httpx.Client, fault: str, namespace: str, verb: str = "create", **more: object) -> None:
    rule: Body = {"match": {"verb": verb, "namespace": namespace}, "fault": fault, **more}
    assert api.post("/_faults", json=rule).status_code == 201


def test_that_too_many_requests_names_a_wait(api: httpx.Client, namespace: str) -> None:
    ask_for(api, "429", namespace, retry_after=7)

    first = api.post(core(namespace, "configmaps"), json=config_map())
    second = api.post(core(namespace, "configmaps"), json=config_map())

    assert first.status_code == 429
    assert first.headers["Retry-After"] == "7"
    assert first.json()["reason"] == "TooManyRequests"
    assert second.status_code == 201


@pytest.mark.parametrize(("fault", "code"), [("500", 500), ("503", 503), ("gone", 410)])
def test_that_the_server_fails_without_effect(api: httpx.Client, namespace: str, fault: str, code: int) -> None:
    ask_for(api, fault, namespace)

    answer = api.post(core(namespace, "configmaps"), json=config_map())

    assert answer.status_code == code
    assert answer.json()["code"] == code
    assert api.get(core(namespace, "configmaps/settings")).status_code == 404


@pytest.mark.parametrize(("fault", "code_after"), [("reset_before", 404), ("reset_after", 200)])
def test_that_a_reset_has_effect_or_not(api: httpx.Client, namespace: str, fault: str, code_after: int) -> None:
    ask_for(api, fault, namespace)

    with pytest.raises(httpx.TransportError):
        api.post(core(namespace, "configmaps"), json=config_map())

    assert api.get(core(namespace, "configmaps/settings")).status_code == code_after


def test_that_a_request_can_take_effect_and_time_out(api: httpx.Client, namespace: str) -> None:
    ask_for(api, "timeout_after_effect", namespace)

    with pytest.raises(httpx.ReadTimeout):
        api.post(core(namespace, "configmaps"), json=config_map(), timeout=0.3)

    assert api.get(core(namespace, "configmaps/settings")).status_code == 200


def test_that_a_delay_delays(api: httpx.Client, namespace: str) -> None:
    ask_for(api, "delay", namespace, seconds=0.2)

    started = time.monotonic()
    answer = api.post(core(namespace, "configmaps"), json=config_map())

    assert time.monotonic() - started >= 0.2
    assert answer.status_code == 201


def test_that_the_nth_request_is_struck(api: httpx.Client, namespace: str) -> None:
    rule = {"match": {"verb": "get", "resource": "configmaps", "namespace": namespace, "nth": 2}, "fault": "500"}
    api.post("/_faults", json=rule)

    codes = [api.get(core(namespace, "configmaps/none")).status_code for _ in range(3)]

    assert codes == [404, 500, 404]
    assert api.get("/_faults").json()["items"] == []


def test_that_every_request_is_struck_until_cleared(api: httpx.Client, namespace: str) -> None:
    api.post("/_faults", json={"match": {"namespace": namespace, "every": True}, "fault": "503"})

    struck = [api.get(core(namespace, "configmaps")).status_code for _ in range(3)]
    listed = len(api.get("/_faults").json()["items"])
    api.delete("/_faults")

    assert (struck, listed) == ([503, 503, 503], 1)
    assert api.get(core(namespace, "configmaps")).status_code == 200


def test_that_an_open_watch_is_cut(api: httpx.Client, namespace: str) -> None:
    with api.stream("GET", core(namespace, "configmaps"), params={"watch": "1", "timeoutSeconds": "9"}) as answer:
        rule = {"match": {"verb": "watch", "namespace": namespace, "now": True}, "fault": "cut_watch"}
        api.post("/_faults", json=rule)

        with pytest.raises(httpx.TransportError):
            list(answer.iter_lines())


def test_that_only_the_administrator_makes_trouble(api: httpx.Client, connect: Connect) -> None:
    nonsense = api.post("/_faults", json={"fault": "earthquake"})

    assert nonsense.status_code == 400
    assert connect("wrong").get("/_faults").status_code == 401
