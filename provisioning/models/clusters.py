"""The Kubernetes clusters that we drive."""

from django.db import models

from dbaas.core.ids import uuid7


class Cluster(models.Model):
    """A Kubernetes that we drive: a region's name and how to reach it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=63, unique=True)
    region = models.CharField(max_length=63, db_index=True)
    kubeconfig_path = models.CharField(
        max_length=500,
        blank=True,
        help_text="Path of a kubeconfig file on the workers; empty means in-cluster configuration.",
    )
    context = models.CharField(
        max_length=253, blank=True, help_text="Context in the kubeconfig; empty means its current one."
    )
    storage_class = models.CharField(
        max_length=253, blank=True, help_text="Storage class for databases; empty means the default one."
    )
    external_service_type = models.CharField(
        max_length=20,
        default="LoadBalancer",
        help_text="How databases are exposed on request: LoadBalancer or NodePort.",
    )
    node_address = models.CharField(
        max_length=253, blank=True, help_text="With NodePort: the address at which node ports answer."
    )
    default_access = models.CharField(
        max_length=20,
        default="internal",
        help_text="Access of databases whose request does not say: internal or external.",
    )
    backup_driver = models.CharField(
        max_length=20, blank=True, help_text="Who carries backups out: kubestash or stash; empty means no backups here."
    )
    backup_namespace = models.CharField(
        max_length=63, blank=True, help_text="Namespace of the backup storage, the encryption secret and the archivers."
    )
    backup_storage = models.CharField(max_length=63, blank=True, help_text="Name of the BackupStorage (KubeStash).")
    backup_backend = models.JSONField(
        default=dict, blank=True, help_text="Stash only: `spec.backend` of a Repository, such as the bucket."
    )
    backup_encryption_secret = models.CharField(
        max_length=63, blank=True, help_text="Secret with RESTIC_PASSWORD; losing it makes every backup unreadable."
    )
    archiver = models.CharField(
        max_length=63, blank=True, help_text="Name of the archivers for point-in-time recovery; empty means none."
    )
    accepts_databases = models.BooleanField(
        default=True, help_text="Switch off to drain: no new databases, the others go on."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.region})"
