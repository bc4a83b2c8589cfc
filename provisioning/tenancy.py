"""What stands in a tenant's namespace beside its databases: limits, network policies, and who may read secrets there. Pure.

docs/tenancy.md gives the reasons. KubeDB's and KubeStash's own objects are not here: they belong to databases.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from provisioning.cluster.ownership import DATABASE_ID, MANAGED_BY, PRODUCT, TENANT_ID, labels_for
from provisioning.engine import Body
from provisioning.models import Cluster, Database
from tenants.models import Quota

FINGERPRINT = "dbaas/tenancy"
"""Annotation of the namespace, written last: all of this set stands in it."""
EXPORTER_PORT = 56790
"""Where KubeDB's exporters answer. Source: kubedb/apimachinery apis/kubedb/constants.go"""
NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""A label that every namespace has. Source: kubernetes.io/docs/reference/labels-annotations-taints"""
NODE_LOCAL_DNS = "169.254.20.10/32"
"""Source: kubernetes.io/docs/tasks/administer-cluster/nodelocaldns"""
EVERYWHERE = ("0.0.0.0/0", "::/0")
SHARE_FOR_CHANGES = 0.25
"""Of the quota, on top: a node that is replaced stands beside its successor for a while, and a volume beside its copy."""
JOBS_MILLICORES, JOBS_MIB, JOBS_GIB = 2_000, 4_096, 20
"""For backup and restore jobs and their scratch volumes, which no quota of ours counts."""
EXTRA_MILLICORES, EXTRA_MIB = 600, 768
"""For each database: the helpers that KubeDB puts beside its nodes."""
ACCOUNTS = ("web", "worker")
"""Whose rights in a namespace come from a binding there: dbaas-web and dbaas-worker of deploy/kubernetes/rbac.yaml."""

_NETWORKING = "networking.k8s.io/v1"
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    """Everything that is to stand in one namespace, in the order in which it is made."""

    labels: dict[str, str]
    objects: tuple[Body, ...]

    @property
    def fingerprint(self) -> str:
        """Return what tells this set from any other."""
        content = orjson.dumps([self.labels, self.objects], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(content).hexdigest()[:32]

    def completes(self, namespace: Body) -> Body:
        """Return the namespace with the annotation that says that the set is complete."""
        metadata = namespace["metadata"]
        return {**namespace, "metadata": {**metadata, "annotations": {FINGERPRINT: self.fingerprint}}}


def tenancy_of(database: Database, quota: Quota, *, needs_privileged_pods: bool) -> Tenancy | None:
    """Return what is to stand in the database's namespace; None where the cluster is registered without any of it."""
    cluster = database.cluster
    objects = [*_bindings(cluster, database)]
    labels: dict[str, str] = {}
    if cluster.is_tenancy_enforced:
        labels = pod_security("privileged" if needs_privileged_pods else "baseline")
        objects += [_limit_range(database), _resource_quota(database, quota), *_network_policies(cluster, database)]
    return Tenancy(labels=labels, objects=tuple(objects)) if objects else None


def pod_security(level: str) -> dict[str, str]:
    """Return the labels by which Kubernetes refuses pods beyond this level; `latest`, as the operators follow their Kubernetes."""
    prefix = "pod-security.kubernetes.io"
    modes = {"enforce": level, "warn": "restricted", "audit": "restricted"}
    return {
        **{f"{prefix}/{mode}": asked for mode, asked in modes.items()},
        **{f"{prefix}/{mode}-version": "latest" for mode in modes},
    }


def database_policy(database: Database, port: int) -> Body:
    """Return the policy of one database: who may connect to it from outside its namespace.

    Pods of the cluster may, but for those of other tenants' databases; with external access the allowed networks too, or everybody
    where none are named, as the order says.
    """
    others = [{"namespaceSelector": {"matchExpressions": [{"key": TENANT_ID, "operator": "DoesNotExist"}]}}]
    networks = _blocks(database.allowed_cidrs or EVERYWHERE) if database.access_mode == "external" else []
    policy = _policy(
        database,
        f"{database.object_name}-clients",
        {
            "podSelector": {"matchLabels": {DATABASE_ID: str(database.id)}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [*others, *networks], "ports": _ports(port)}],
        },
    )
    policy["metadata"]["labels"] = labels_for(tenant_id=database.tenant_id, database_id=database.id)
    return policy


def _metadata(database: Database, name: str) -> Body:
    labels = {MANAGED_BY: PRODUCT, TENANT_ID: str(database.tenant_id)}
    return {"name": name, "namespace": database.namespace, "labels": labels}


def _bindings(cluster: Cluster, database: Database) -> list[Body]:
    """Return who of ours may do in this namespace what nobody of ours may everywhere, such as reading secrets."""
    if not cluster.accounts_namespace:
        return []
    return [
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": _metadata(database, f"dbaas-{account}"),
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": f"dbaas-{account}-tenant"},
            "subjects": [
                {"kind": "ServiceAccount", "name": f"dbaas-{account}", "namespace": cluster.accounts_namespace}
            ],
        }
        for account in reversed(ACCOUNTS)
    ]


def _limit_range(database: Database) -> Body:
    """Return what a container without requests gets, as the quota admits none without.

    No default limits: a container that asks for more than the default limit, and names none itself, would be refused.
    """
    limits = [{"type": "Container", "defaultRequest": {"cpu": "50m", "memory": "64Mi"}}]
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": _metadata(database, "dbaas"),
        "spec": {"limits": limits},
    }


def _resource_quota(database: Database, quota: Quota) -> Body:
    """Return the cluster's own limit: above the tenant's quota, which decides first and says why."""
    share = 1 + SHARE_FOR_CHANGES
    cpu_millicores = int(quota.max_cpu_millicores * share) + quota.max_databases * EXTRA_MILLICORES + JOBS_MILLICORES
    memory_mib = int(quota.max_memory_mib * share) + quota.max_databases * EXTRA_MIB + JOBS_MIB
    hard = {
        "requests.cpu": f"{cpu_millicores}m",
        "requests.memory": f"{memory_mib}Mi",
        "requests.storage": f"{int(quota.max_storage_gib * share) + JOBS_GIB}Gi",
    }
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": _metadata(database, "dbaas"),
        "spec": {"hard": hard},
    }


def _network_policies(cluster: Cluster, database: Database) -> list[Body]:
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    dns_servers = [*_namespaces(["kube-system"]), *_blocks([NODE_LOCAL_DNS])]
    outside = _blocks(cluster.egress_cidrs or EVERYWHERE)
    neighbours: list[Body] = [{"podSelector": {}}]
    observers = [*_namespaces(cluster.monitoring_namespaces), *_blocks(cluster.api_cidrs)]
    rules: list[tuple[str, Body]] = [
        ("dbaas-nothing", {"policyTypes": ["Ingress", "Egress"]}),
        ("dbaas-neighbours", {"ingress": [{"from": neighbours}], "egress": [{"to": neighbours}]}),
        ("dbaas-dns", {"egress": [{"to": dns_servers, "ports": dns}]}),
        ("dbaas-outside", {"egress": [{"to": outside, "ports": _ports(*cluster.egress_ports)}]}),
    ]
    if cluster.operator_namespaces:
        rules.append(("dbaas-operators", {"ingress": [{"from": _namespaces(cluster.operator_namespaces)}]}))
    if observers:
        rules.append(("dbaas-monitoring", {"ingress": [{"from": observers, "ports": _ports(EXPORTER_PORT)}]}))
    return [_policy(database, name, {"podSelector": {}, **rule}) for name, rule in rules]


def _policy(database: Database, name: str, spec: Body) -> Body:
    kinds = [kind for kind in ("Ingress", "Egress") if kind.lower() in spec]
    return {
        "apiVersion": _NETWORKING,
        "kind": "NetworkPolicy",
        "metadata": _metadata(database, name),
        "spec": {"policyTypes": kinds, **spec},
    }


def _ports(*numbers: int) -> list[Body]:
    return [{"protocol": "TCP", "port": number} for number in numbers]


def _blocks(cidrs: Sequence[str]) -> list[Body]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _namespaces(names: Sequence[str]) -> list[Body]:
    if not names:
        return []
    chosen = {"key": NAMESPACE_NAME, "operator": "In", "values": list(names)}
    return [{"namespaceSelector": {"matchExpressions": [chosen]}}]
