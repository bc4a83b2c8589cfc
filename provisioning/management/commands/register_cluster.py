"""`manage.py register_cluster`: make a Kubernetes known, or change what is known of it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit
from dbaas.core.db import atomic
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.registry import gateway_to
from provisioning.models import Cluster


class Command(BaseCommand):
    """Idempotent: the same call twice changes nothing."""

    help = "Register a Kubernetes cluster that databases can be made on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="short name, unique, e.g. prod-eu")
        parser.add_argument("--region", required=True, help="what customers choose, e.g. eu-central")
        parser.add_argument(
            "--kubeconfig", default="", help="path of a kubeconfig file; without it, the pod's own account"
        )
        parser.add_argument("--context", default="", help="context in the kubeconfig; without it, its current one")
        parser.add_argument(
            "--storage-class", default="", help="storage class for databases; without it, the default one"
        )
        parser.add_argument("--external-service-type", default="LoadBalancer", choices=["LoadBalancer", "NodePort"])
        parser.add_argument("--node-address", default="", help="with NodePort: the address at which node ports answer")
        parser.add_argument("--default-access", default="internal", choices=["internal", "external"])
        parser.add_argument(
            "--check", action="store_true", help="ask the cluster for its version before registering it"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check if asked to, then write the row."""
        columns = {
            "region": options["region"],
            "kubeconfig_path": options["kubeconfig"],
            "context": options["context"],
            "storage_class": options["storage_class"],
            "external_service_type": options["external_service_type"],
            "node_address": options["node_address"],
            "default_access": options["default_access"],
        }
        if options["check"]:
            self._check(Cluster(name=options["name"], **columns))
        found = Cluster.objects.filter(name=options["name"]).first()
        if found is not None and all(getattr(found, name) == value for name, value in columns.items()):
            self.stdout.write(f"{found} is registered already.")
            return
        with atomic():
            cluster, is_new = Cluster.objects.update_or_create(name=options["name"], defaults=columns)
            audit.record_of_system(
                action="cluster.registered" if is_new else "cluster.changed",
                object_type="cluster",
                object_id=cluster.id,
                detail={"by": "register_cluster"},
            )
        self.stdout.write(f"{cluster} is {'registered' if is_new else 'changed'}.")

    def _check(self, cluster: Cluster) -> None:
        try:
            self.stdout.write(f"The cluster answers: Kubernetes {gateway_to(cluster).version()}.")
        except (Transient, Permanent) as error:
            raise CommandError(f"The cluster does not answer: {error.detail}") from error
