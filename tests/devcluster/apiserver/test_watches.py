"""Watches: replay, live changes, selections, bookmarks, ends."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.devcluster.apiserver.samples import Body, config_map, core, created, eventually

MERGE = {"Content-Type": "application/merge-patch+json"}


@contextmanager
def watching(api: httpx.Client, path: str, **parameters: str) -> Iterator[Iterator[Body]]:
    query = {"watch": "true", "timeoutSeconds": "10", **parameters}
    with api.stream("GET", path, params=query) as answer:
        assert answer.status_code == 200
        yield (json.loads(line) for line in answer.iter_lines())


def seen(event: Body) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


def version_of(api: httpx.Client, path: str) -> str:
    return str(api.get(path).json()["metadata"]["resourceVersion"])


def test_that_a_watch_from_nothing_starts_with_what_is_there(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    created(api, path, config_map("early"))

    with watching(api, path, resourceVersion="0") as events:
        first = next(events)
        created(api, path, config_map("late"))
        second = next(events)

    assert [seen(first), seen(second)] == [("ADDED", "early"), ("ADDED", "late")]


def test_that_a_watch_resumes_behind_its_version(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    created(api, path, config_map("one"))
    version = version_of(api, path)
    api.patch(path + "/one", json={"data": {"color": "blue"}}, headers=MERGE)
    api.delete(path + "/one")

    with watching(api, path, resourceVersion=version) as events:
        replayed = [next(events), next(events)]

    assert [seen(event) for event in replayed] == [("MODIFIED", "one"), ("DELETED", "one")]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in replayed]
    assert int(version) < versions[0] < versions[1]


def test_that_an_object_enters_and_leaves_a_selection(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    created(api, path, config_map("one"))
    version = version_of(api, path)

    with watching(api, path, resourceVersion=version, labelSelector="app=a") as events:
        for labels in ({"app": "a"}, {"app": "a", "more": "x"}, {"app": "b"}):
            api.patch(path + "/one", json={"metadata": {"labels": labels}}, headers=MERGE)
        api.delete(path + "/one")
        created(api, path, config_map("two", labels={"app": "a"}))
        observed = [seen(next(events)) for _ in range(4)]

    assert observed == [("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "one"), ("ADDED", "two")]


def test_that_a_field_selector_follows_one_object(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")

    with watching(api, path, resourceVersion="0", fieldSelector="metadata.name=wanted") as events:
        created(api, path, config_map("other"))
        created(api, path, config_map("wanted"))
        first = next(events)

    assert seen(first) == ("ADDED", "wanted")


def test_that_a_timed_out_watch_ends_with_a_bookmark(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    version = version_of(api, path)

    with watching(api, path, resourceVersion=version, timeoutSeconds="1", allowWatchBookmarks="true") as events:
        rest = list(events)

    assert [event["type"] for event in rest] == ["BOOKMARK"]
    assert rest[0]["object"]["kind"] == "ConfigMap"
    assert int(rest[0]["object"]["metadata"]["resourceVersion"]) >= int(version)


def test_that_initial_events_end_with_a_marked_bookmark(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    created(api, path, config_map("one"))
    parameters = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}

    with watching(api, path, **parameters) as events:
        first, second = next(events), next(events)

    assert seen(first) == ("ADDED", "one")
    assert second["type"] == "BOOKMARK"
    assert second["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_that_a_forgotten_version_is_gone(api: httpx.Client, namespace: str) -> None:
    api.post("/_faults", json={"match": {"verb": "watch", "namespace": namespace}, "fault": "gone"})

    with watching(api, core(namespace, "configmaps"), resourceVersion="1") as events:
        rest = list(events)

    assert [event["type"] for event in rest] == ["ERROR"]
    assert rest[0]["object"]["code"] == 410
    assert rest[0]["object"]["reason"] == "Expired"


def test_that_a_version_of_the_future_is_refused(api: httpx.Client, namespace: str) -> None:
    answer = api.get(core(namespace, "configmaps"), params={"watch": "1", "resourceVersion": "99999999"})

    assert answer.status_code == 504


def test_that_many_watches_all_see_a_change(api: httpx.Client, namespace: str) -> None:
    path, count, observed = core(namespace, "configmaps"), 50, []
    version = version_of(api, path)

    def follow() -> None:
        with watching(api, path, resourceVersion=version) as events:
            observed.append(seen(next(events)))

    watchers = [threading.Thread(target=follow) for _ in range(count)]
    for watcher in watchers:
        watcher.start()
    created(api, path, config_map("news"))
    for watcher in watchers:
        watcher.join(10)

    eventually(lambda: len(observed) == count, "all watches saw the object")
    assert set(observed) == {("ADDED", "news")}


def test_that_a_slow_reader_misses_nothing(api: httpx.Client, namespace: str) -> None:
    path, count = core(namespace, "configmaps"), 150
    version = version_of(api, path)
    names = [f"big-{number}" for number in range(count)]

    with watching(api, path, resourceVersion=version) as events:
        # More than the sockets hold: the server waits in the middle of its lines while further objects come.
        for name in names:
            created(api, path, {**config_map(name), "data": {"filling": "x" * 60_000}})
        observed = [seen(next(events))[1] for _ in range(count)]

    assert observed == names
