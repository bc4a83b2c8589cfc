"""`manage.py prepare_backups`: set a registered cluster up for backups, with KubeStash."""

import secrets
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dbaas.core.errors import Permanent, Transient
from provisioning.backups.preparation import (
    Place,
    archiver,
    encryption_secret,
    local_backend,
    namespace,
    s3_backend,
    storage_objects,
)
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import AlreadyExists, ObjectMissing
from provisioning.cluster.kinds import ref_of
from provisioning.cluster.registry import gateway_to
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Cluster

WAIT_SECONDS = 30.0


class Command(BaseCommand):
    """Idempotent: the same call twice changes nothing; an encryption key that is there stays."""

    requires_system_checks = ()
    """They import every view, which costs seconds; the web process and `make check` run them."""

    help = (
        "Make the namespace, the encryption key, the BackupStorage and the archivers on a registered cluster, and let its"
        " databases be backed up there. Keep a copy of the encryption key elsewhere: without it no backup can be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("cluster", help="name of the registered cluster")
        parser.add_argument("--namespace", default="dbaas-backup", help="where the objects stand")
        parser.add_argument("--name", default="dbaas", help="name of the storage and of the archivers")
        parser.add_argument(
            "--s3-bucket", default="", help="an S3 bucket; without it, a folder of the node (one machine only)"
        )
        parser.add_argument("--s3-endpoint", default="", help="address of the S3 service")
        parser.add_argument("--s3-region", default="")
        parser.add_argument("--s3-secret", default="", help="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the objects, then write the row."""
        cluster = Cluster.objects.filter(name=options["cluster"]).first()
        if cluster is None:
            raise CommandError(f"No cluster {options['cluster']} is registered: see `manage.py register_cluster`.")
        backend = local_backend()
        if options["s3_bucket"]:
            backend = s3_backend(
                endpoint=options["s3_endpoint"],
                bucket=options["s3_bucket"],
                region=options["s3_region"],
                secret_name=options["s3_secret"],
            )
        place = Place(namespace=options["namespace"], name=options["name"], backend=backend)
        archivers = [engine.backup.archiver_kind for engine in all_engines().values() if engine.backup.archiver_kind]
        archives = self._make(gateway_to(cluster), place, archivers)
        columns = {
            "backup_driver": "kubestash",
            "backup_namespace": place.namespace,
            "backup_storage": place.name,
            "backup_encryption_secret": place.secret_name,
            "archiver": place.name if archives else "",
        }
        if any(getattr(cluster, name) != value for name, value in columns.items()):
            Cluster.objects.update_or_create(pk=cluster.pk, defaults=columns)
        self.stdout.write(f"{cluster} keeps backups in {place.namespace}/{place.name}.")

    def _make(self, gateway: Gateway, place: Place, archivers: list[str]) -> bool:
        """Make every object, waiting for a cluster that is only starting; False where the cluster knows no archivers."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                gateway.apply(namespace(place))
                _create_once(gateway, encryption_secret(place, secrets.token_urlsafe(32)))
                for body in storage_objects(place):
                    gateway.apply(body)
                return _make_archivers(gateway, place, archivers)
            except Transient as error:
                if time.monotonic() > deadline:
                    raise CommandError(f"The cluster does not answer: {error.detail}") from error
                time.sleep(0.2)
            except Permanent as error:
                raise CommandError(f"The cluster refuses: {error.detail}") from error


def _make_archivers(gateway: Gateway, place: Place, kinds: list[str]) -> bool:
    try:
        for kind in kinds:
            gateway.apply(archiver(place, kind))
    except ObjectMissing:
        return False
    return True


def _create_once(gateway: Gateway, body: Body) -> None:
    if gateway.get(ref_of(body)) is not None:
        return
    try:
        gateway.create(body)
    except AlreadyExists:
        return
