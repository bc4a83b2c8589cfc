"""`manage.py prepare_accounts`: give the product's processes accounts of their own on a cluster, each with the rights that it needs."""

import copy
import os
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import SERVICE_ACCOUNT, Ref
from provisioning.cluster.registry import gateway_to
from provisioning.engine import Body
from provisioning.models import Cluster

TOKEN_DAYS = 365
"""Run the command again before; clusters may allow less."""
_PREFIX = "dbaas-"


class Command(BaseCommand):
    """Idempotent: accounts and rights are applied, kubeconfigs written anew. Needs an administrator's kubeconfig."""

    requires_system_checks = ()
    """The launcher runs it at every start; they cost seconds."""

    help = "Apply deploy/kubernetes/rbac.yaml to a cluster, and have its accounts bound in tenants' namespaces."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="the registered cluster")
        manifest = settings.BASE_DIR / "deploy/kubernetes/rbac.yaml"
        parser.add_argument("--manifest", type=Path, default=manifest, help="what to apply")
        parser.add_argument(
            "--kubeconfigs",
            action="store_true",
            help="write a kubeconfig for each account beside the cluster's, for processes with CLUSTER_ACCOUNT",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Apply, write, and let the cluster's row say so."""
        cluster = Cluster.objects.filter(name=options["name"]).first()
        if cluster is None:
            raise CommandError(f"No cluster {options['name']} is registered.")
        if options["kubeconfigs"] and not cluster.kubeconfig_path:
            raise CommandError("The cluster is reached by the pod's own account: there is no kubeconfig to go by.")
        objects = list(yaml.safe_load_all(options["manifest"].read_text(encoding="utf-8")))
        accounts = [body["metadata"] for body in objects if body["kind"] == "ServiceAccount"]
        gateway = gateway_to(cluster)
        try:
            for body in objects:
                gateway.apply(body)
            if options["kubeconfigs"]:
                self._write(cluster, gateway, accounts)
        except (Transient, Permanent) as error:
            raise CommandError(f"The cluster refuses: {error.detail}") from error
        namespace = accounts[0]["namespace"]
        Cluster.objects.filter(pk=cluster.pk).exclude(accounts_namespace=namespace).update(accounts_namespace=namespace)
        self.stdout.write(f"{cluster} has the accounts {', '.join(account['name'] for account in accounts)}.")

    def _write(self, cluster: Cluster, gateway: Gateway, accounts: list[Body]) -> None:
        held = yaml.safe_load(Path(cluster.kubeconfig_path).read_text(encoding="utf-8"))
        for account in accounts:
            ref = Ref(kind=SERVICE_ACCOUNT, name=account["name"], namespace=account["namespace"])
            token = gateway.token(ref, seconds=TOKEN_DAYS * 86_400)
            path = Path(f"{cluster.kubeconfig_path}.{account['name'].removeprefix(_PREFIX)}")
            _write_private(path, yaml.safe_dump(_with_token(held, cluster.context, token), sort_keys=False))


def _with_token(held: Body, context_name: str, token: str) -> Body:
    """Return the kubeconfig with this token for its only user, and without anybody else's."""
    wanted = context_name or held["current-context"]
    context = copy.deepcopy(next(context for context in held["contexts"] if context["name"] == wanted))
    context["context"]["user"] = "account"
    clusters = [cluster for cluster in held["clusters"] if cluster["name"] == context["context"]["cluster"]]
    return {
        **{name: held[name] for name in ("apiVersion", "kind")},
        "clusters": clusters,
        "users": [{"name": "account", "user": {"token": token}}],
        "contexts": [context],
        "current-context": wanted,
    }


def _write_private(path: Path, content: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    temporary.replace(path)
