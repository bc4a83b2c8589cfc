"""`manage.py prepare_namespaces`: bring tenants' namespaces up to date at once, after a quota, a setting or a release has changed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.registry import gateway_to
from provisioning.making import prepare_namespace
from provisioning.models import Cluster, Database


class Command(BaseCommand):
    """Idempotent; a namespace that is up to date costs one read. Without it, each is brought up to date by its next database."""

    help = "Bring the namespaces of all tenants with databases on a cluster up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="the registered cluster")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take one database of each namespace, as all that matters is the tenant's."""
        cluster = Cluster.objects.filter(name=options["name"]).first()
        if cluster is None:
            raise CommandError(f"No cluster {options['name']} is registered.")
        live = Database.objects.filter(cluster=cluster, is_live=True).select_related("cluster").order_by("id")
        one_of_each = {database.namespace: database for database in live.iterator()}
        gateway = gateway_to(cluster)
        for namespace, database in sorted(one_of_each.items()):
            try:
                prepare_namespace(database, find=gateway.get, apply=gateway.apply)
            except (Transient, Permanent) as error:
                raise CommandError(f"{namespace} could not be prepared: {error.detail}") from error
            self.stdout.write(f"{namespace} is up to date.")
