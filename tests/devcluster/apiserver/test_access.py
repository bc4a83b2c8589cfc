"""Who may do what."""

import base64
import json

import httpx
import pytest

from tests.devcluster.apiserver.conftest import Connect
from tests.devcluster.apiserver.samples import Body, core, created, postgres, postgreses
from tests.devcluster.conftest import ApiServer

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def robot(api: httpx.Client, namespace: str, connect: Connect) -> httpx.Client:
    """Give a client with the token of a service account that may do nothing yet."""
    created(api, core(namespace, "serviceaccounts"), {"metadata": {"name": "robot"}})
    annotations = {"kubernetes.io/service-account.name": "robot"}
    body = {
        "metadata": {"name": "robot-token", "annotations": annotations},
        "type": "kubernetes.io/service-account-token",
    }
    secret = created(api, core(namespace, "secrets"), body)
    return connect(base64.b64decode(secret["data"]["token"]).decode())


def grant(api: httpx.Client, namespace: str, *rules: Body) -> None:
    created(api, f"{RBAC}/namespaces/{namespace}/roles", {"metadata": {"name": "r"}, "rules": list(rules)})
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": namespace}],
    }
    created(api, f"{RBAC}/namespaces/{namespace}/rolebindings", binding)


@pytest.mark.parametrize("token", ["wrong", "a.b.c"])
def test_that_a_wrong_token_is_unauthorized(connect: Connect, token: str) -> None:
    answer = connect(token).get("/api/v1/namespaces")

    assert answer.status_code == 401
    assert answer.json()["reason"] == "Unauthorized"


@pytest.mark.parametrize("header", [b"Basic YTpi", b"Bearer", "Bearer é".encode()])
def test_that_no_token_is_unauthorized(api: httpx.Client, header: bytes) -> None:
    assert api.get("/api/v1/namespaces", headers={b"Authorization": header}).status_code == 401


def test_that_only_the_administrator_impersonates(api: httpx.Client, robot: httpx.Client, namespace: str) -> None:
    somebody = {"Impersonate-User": "nobody"}

    by_administrator = api.get(postgreses(namespace), headers=somebody)
    by_robot = robot.get(postgreses(namespace), headers=somebody)

    assert by_administrator.status_code == by_robot.status_code == 403
    assert 'User "nobody" cannot list' in by_administrator.json()["message"]
    assert "cannot impersonate" in by_robot.json()["message"]


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz", "/version", "/version/"])
def test_that_health_and_version_are_open(connect: Connect, path: str) -> None:
    assert connect("wrong").get(path).status_code == 200


def test_that_nothing_is_allowed_by_default(robot: httpx.Client, namespace: str) -> None:
    answer = robot.get(postgreses(namespace))

    user = f"system:serviceaccount:{namespace}:robot"
    assert answer.status_code == 403
    assert answer.json()["message"] == (
        f'postgreses.kubedb.com is forbidden: User "{user}" cannot list resource "postgreses" in API group "kubedb.com"'
        f' in the namespace "{namespace}"'
    )
    assert (
        'cannot list resource "nodes" in API group "" at the cluster scope'
        in robot.get("/api/v1/nodes").json()["message"]
    )


def test_that_a_role_grants_what_it_names(api: httpx.Client, robot: httpx.Client, namespace: str) -> None:
    created(api, postgreses(namespace), postgres())
    grant(
        api,
        namespace,
        {"verbs": ["get"], "apiGroups": ["kubedb.com"], "resources": ["postgreses", "mysqls/status"]},
        {"verbs": ["*"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"]},
    )

    codes = [
        robot.get(postgreses(namespace) + "/pg").status_code,
        robot.get(postgreses(namespace) + "/pg/status").status_code,
        robot.get(postgreses(namespace)).status_code,
        robot.delete(postgreses(namespace) + "/pg").status_code,
        robot.get(postgreses("default") + "/pg").status_code,
        robot.get(core(namespace, "configmaps/mine")).status_code,
        robot.get(core(namespace, "configmaps/yours")).status_code,
    ]

    assert codes == [200, 403, 403, 403, 403, 404, 403]


def test_that_a_cluster_role_reaches_as_far_as_its_binding(
    api: httpx.Client, robot: httpx.Client, namespace: str
) -> None:
    name = f"reader-{namespace}"
    rules = [{"verbs": ["list"], "apiGroups": ["*"], "resources": ["*"]}]
    created(api, f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "Group", "name": f"system:serviceaccounts:{namespace}"}],
    }

    created(api, f"{RBAC}/namespaces/{namespace}/rolebindings", binding)
    inside, outside = robot.get(postgreses(namespace)), robot.get("/api/v1/nodes")
    created(api, f"{RBAC}/clusterrolebindings", binding)

    assert (inside.status_code, outside.status_code) == (200, 403)
    assert robot.get("/api/v1/nodes").status_code == 200


def test_that_a_user_may_ask_what_is_allowed(api: httpx.Client, robot: httpx.Client, namespace: str) -> None:
    grant(api, namespace, {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]})

    def allowed(**attributes: str) -> bool:
        review = {"spec": {"resourceAttributes": {"namespace": namespace, "resource": "pods", **attributes}}}
        answer = robot.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=review)
        assert answer.status_code == 201
        return bool(answer.json()["status"]["allowed"])

    assert allowed(verb="get") is True
    assert allowed(verb="delete") is False


def test_that_a_token_dies_with_its_secret(api: httpx.Client, robot: httpx.Client, namespace: str) -> None:
    before = robot.get("/api").status_code

    api.delete(core(namespace, "secrets/robot-token"))

    assert before == 200
    assert robot.get("/api").status_code == 401


def test_that_a_requested_token_works_until_it_ends(api: httpx.Client, namespace: str, connect: Connect) -> None:
    created(api, core(namespace, "serviceaccounts"), {"metadata": {"name": "robot"}})
    path = core(namespace, "serviceaccounts/robot/token")

    living = created(api, path, {"spec": {}})["status"]["token"]
    dead = created(api, path, {"spec": {"expirationSeconds": -1}})["status"]["token"]

    assert connect(living).get("/api").status_code == 200
    assert connect(dead).get("/api").status_code == 401


def test_that_what_an_account_was_allowed_is_on_record_once(
    api: httpx.Client, namespace: str, robot: httpx.Client, cluster: ApiServer
) -> None:
    grant(api, namespace, {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]})

    for path in (core(namespace, "pods"), core(namespace, "pods"), core(namespace, "secrets")):
        robot.get(path)

    lines = [json.loads(line) for line in (cluster.data_dir / "uses.jsonl").read_text().splitlines()]
    mine = [line for line in lines if line["account"] == f"{namespace}:robot"]
    assert [(line["verb"], line["resource"], line["is_cluster_wide"]) for line in mine] == [("list", "pods", False)]
