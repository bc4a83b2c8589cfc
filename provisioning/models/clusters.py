"""The Kubernetes clusters that we drive."""

from django.db import models

from dbaas.core.ids import uuid7


def _operators() -> list[str]:
    return ["kubedb"]


def _monitoring() -> list[str]:
    return ["monitoring"]


def _https_and_api() -> list[int]:
    return [443, 6443]


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
    is_tenancy_enforced = models.BooleanField(
        default=True,
        help_text="Give each tenant's namespace limits, network policies and Pod Security labels (docs/tenancy.md).",
    )
    accounts_namespace = models.CharField(
        max_length=63,
        blank=True,
        help_text="Namespace of the accounts dbaas-web and dbaas-worker, which are bound in each tenant's namespace;"
        " empty where the kubeconfig's account may read secrets everywhere.",
    )
    operator_namespaces = models.JSONField(
        default=_operators, blank=True, help_text="Namespaces of KubeDB and KubeStash, which connect to databases."
    )
    monitoring_namespaces = models.JSONField(
        default=_monitoring, blank=True, help_text="Namespaces whose pods may read the databases' exporters."
    )
    api_cidrs = models.JSONField(
        default=list,
        blank=True,
        help_text="Networks of the Kubernetes API servers, through which exporters are read where no Prometheus is.",
    )
    egress_cidrs = models.JSONField(
        default=list,
        blank=True,
        help_text="Networks that pods of databases may call: the Kubernetes API, the backup storage; empty means all.",
    )
    egress_ports = models.JSONField(
        default=_https_and_api, blank=True, help_text="Ports at which they may call those networks."
    )
    accepts_databases = models.BooleanField(
        default=True, help_text="Switch off to drain: no new databases, the others go on."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.region})"
