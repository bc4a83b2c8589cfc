"""On whose behalf somebody calls: the tenant, who belongs to it, and how much it may use.

Not here: who may do what (accounts.permissions, tenants.access) and how quota is taken and given back (tenants.quota).
"""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from dbaas.core.ids import uuid7
from tenants.quota_plans import QUOTA_PLANS, STANDARD

TENANT_NAME = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]\Z",
    "Use 3 to 63 lower-case letters, digits and hyphens; begin and end with a letter or digit.",
    code="invalid_name",
)


class Tenant(models.Model):
    """A customer: everything that is provisioned belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=63, unique=True, validators=[TENANT_NAME])
    """Never changes: the namespace follows from it."""
    display_name = models.CharField(max_length=120, blank=True)
    namespace = models.CharField(max_length=63, unique=True)
    """The Kubernetes namespace that holds this tenant's objects; a DNS label."""
    suspended_at = models.DateTimeField(null=True, blank=True)
    """Set by an operator: members may read, nothing may change."""
    suspended_because = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    """Goes up with every change; the ETag follows from it."""
    membership_version = models.PositiveIntegerField(default=1, editable=False)
    """Goes up with every change of ownership, so that two owners cannot demote each other at once."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    """Protected: deleting a person must not leave a tenant without an owner unnoticed; deactivate people instead."""
    role = models.CharField(max_length=16)
    """An accounts.permissions.Role."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_role_per_member")]

    def __str__(self) -> str:
        return f"{self.role} of {self.tenant_id}"


class Invitation(models.Model):
    """A letter to an address, with which its reader may join."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16)
    invited_by = models.UUIDField()
    """Who sent the letter last; what they may no longer give, it no longer gives."""
    token_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the token, so that a stolen table is of no use."""
    is_open = models.BooleanField(default=True)
    """False once used or withdrawn."""
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    """Null where no server took the letter."""
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"], condition=Q(is_open=True), name="one_open_invitation_per_address"
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} for {self.email}"


class Quota(models.Model):
    """What a tenant may use and what it uses: one row, changed only by conditional updates (see tenants.quota)."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="quota")
    plan = models.CharField(max_length=40, default=STANDARD, choices=[(name, name) for name in QUOTA_PLANS])
    """Where the limits came from; an operator may have changed some since."""
    max_databases = models.PositiveIntegerField(default=10)
    max_cpu_millicores = models.PositiveIntegerField(default=32_000)
    max_memory_mib = models.PositiveIntegerField(default=65_536)
    max_storage_gib = models.PositiveIntegerField(default=1_000)
    max_backup_gib = models.PositiveIntegerField(default=1_000)
    """Of all kept backups together; what they take is summed up from their rows, since nobody knows a size before."""
    used_databases = models.PositiveIntegerField(default=0, editable=False)
    used_cpu_millicores = models.PositiveIntegerField(default=0, editable=False)
    used_memory_mib = models.PositiveIntegerField(default=0, editable=False)
    used_storage_gib = models.PositiveIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"quota of {self.tenant_id}"
