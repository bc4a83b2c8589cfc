"""What goes when its owner goes."""

import httpx

from tests.devcluster.apiserver.samples import Body, config_map, core, created, eventually, is_gone

MERGE = {"Content-Type": "application/merge-patch+json"}


def owned_by(*owners: Body, name: str = "dependent", **more: object) -> Body:
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": one["metadata"]["name"], "uid": one["metadata"]["uid"]}
        for one in owners
    ]
    return config_map(name, ownerReferences=references, **more)


def test_that_a_dependent_goes_with_its_last_owner(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    first, second = created(api, path, config_map("first")), created(api, path, config_map("second"))
    created(api, path, owned_by(first, second))

    api.delete(path + "/first")
    eventually(
        lambda: len(api.get(path + "/dependent").json()["metadata"]["ownerReferences"]) == 1, "one owner is forgotten"
    )
    api.delete(path + "/second")

    eventually(is_gone(api, path + "/dependent"), "the dependent goes")


def test_that_an_object_of_an_owner_that_never_was_goes(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    stranger = {"metadata": {"name": "none", "uid": "00000000-0000-0000-0000-000000000000"}}

    created(api, path, owned_by(stranger))

    eventually(is_gone(api, path + "/dependent"), "the dependent goes")


def test_that_orphans_stay(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    created(api, path, owned_by(created(api, path, config_map("owner"))))

    api.delete(path + "/owner", params={"propagationPolicy": "Orphan"})
    eventually(is_gone(api, path + "/owner"), "the owner goes")

    assert not api.get(path + "/dependent").json()["metadata"].get("ownerReferences")


def test_that_a_foreground_delete_waits_for_the_dependents(api: httpx.Client, namespace: str) -> None:
    path = core(namespace, "configmaps")
    created(api, path, owned_by(created(api, path, config_map("owner")), finalizers=["test/hold"]))

    answer = api.request("DELETE", path + "/owner", json={"propagationPolicy": "Foreground"})
    eventually(
        lambda: "deletionTimestamp" in api.get(path + "/dependent").json()["metadata"], "the dependent is being deleted"
    )
    held = api.get(path + "/owner").json()
    api.patch(path + "/dependent", json={"metadata": {"finalizers": None}}, headers=MERGE)

    assert answer.json()["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert held["metadata"]["deletionTimestamp"]
    eventually(is_gone(api, path + "/owner"), "the owner goes last")
