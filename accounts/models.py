"""Who is calling: people, the sessions and API keys they call with, and the trail of what they did.

Not here: what somebody may do (that follows from a role in a tenant, see accounts.permissions) and how a credential is checked (see
accounts.sessions and accounts.api_keys).
"""

from datetime import datetime
from typing import Any, ClassVar, NoReturn

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone

from accounts.permissions import USUAL_SCOPES
from dbaas.core.encryption import SealedField
from dbaas.core.ids import uuid7


class UserManager(BaseUserManager["User"]):
    """Make people; nothing else may, so that e-mail addresses are always in one spelling."""

    def create_user(self, email: str, password: str | None = None, *, name: str = "", **fields: Any) -> "User":
        """Store a new person; without a password nobody can log in as them.

        Raises: IntegrityError — the address is taken.
        """
        user = self.model(email=normalized_email(email), name=name, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, *, name: str = "", **fields: Any) -> "User":
        """Store an operator, who may use the admin."""
        return self.create_user(email, password, name=name, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a person by address in any spelling (Django's own login asks this way)."""
        return self.get(email=normalized_email(username or ""))


def normalized_email(email: str) -> str:
    """Return the one spelling in which an address is stored and compared."""
    return email.strip().lower()


class User(AbstractBaseUser, PermissionsMixin):
    """A person who calls the API, or operates it (`is_staff`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    """Every access token carries it; raising it ends all of them at once."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    def __str__(self) -> str:
        return self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session in the admin must match: Django's own digest, of the password, and ours, so that "all sessions" means these too."""
        return f"{super()._get_session_auth_hash(secret=secret)}:{self.session_epoch}"  # type: ignore[misc] # missing in the stubs

    def clean(self) -> None:
        """Bring the address into its one spelling before a form compares it."""
        super().clean()
        self.email = normalized_email(self.email)


class RefreshSession(models.Model):
    """One refresh token. Each is good for one use; all that follow from one log-in share a family."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_sessions")
    family_id = models.UUIDField(db_index=True)
    jti_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the token's id, so that a stolen table is of no use."""
    used = models.BooleanField(default=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    address = models.CharField(max_length=45, blank=True)

    def __str__(self) -> str:
        return f"session {self.family_id}"


def usual_scopes() -> list[str]:
    """Return the scopes of a key that was made without naming any."""
    return [str(scope) for scope in USUAL_SCOPES]


class PasswordReset(models.Model):
    """A letter with which a person may choose a new password: see accounts.passwords."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_resets")
    token_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the token; until the letter is sent, of something that nobody knows."""
    asked_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"password reset of {self.user_id}"


class SecondFactor(models.Model):
    """What an operator's authenticator and we both know: see accounts.second_factor."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = SealedField(max_length=250)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    """Null until a code of it was entered: so nobody is locked out by an authenticator that does not work."""
    last_step = models.PositiveBigIntegerField(default=0)
    """Of the last code that was used, in periods of 30 s since 1970; no earlier code is good any more."""

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(models.Model):
    """Stands in once for a second factor that was lost."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class LoginFailures(models.Model):
    """Wrong passwords lately, of one person or from one network: see accounts.login_limits."""

    subject = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of whom or what is counted, so that the table lists nobody's address."""
    failures = models.PositiveIntegerField()
    changes = models.PositiveIntegerField(default=0)
    """Goes up with every change, so that of two at once one notices the other."""
    last_at = models.DateTimeField(db_index=True)
    blocked_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.failures} failures"


class ApiKey(models.Model):
    """A long-lived credential for programs. The secret itself is shown once and never stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=8, unique=True)
    """Public part, by which the row is found."""
    secret_hash = models.CharField(max_length=64)
    """HMAC-SHA-256 of the secret part under API_KEY_PEPPER, in hexadecimal."""
    scopes = models.JSONField(default=usual_scopes, blank=True)
    """What of its owner's rights the key has: a list of accounts.permissions.Scope."""
    tenant_id = models.UUIDField(null=True, blank=True)
    """The only tenant that it opens; null for all of its owner's."""
    allowed_networks = models.JSONField(default=list, blank=True)
    """From where it may be used, in CIDR notation; empty for anywhere."""
    made_with = models.UUIDField(null=True, blank=True, db_index=True)
    """The key that made this one and is revoked together with it."""
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    """Written at most once a minute, as the next two are."""
    last_used_address = models.CharField(max_length=45, blank=True)
    last_refused_at = models.DateTimeField(null=True, blank=True)
    """When it last came from a network that is not allowed."""
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"dbk_{self.prefix}_…"

    def is_live(self, *, now: datetime) -> bool:
        """Tell whether the key opens anything."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class AuditTrailIsAppendOnly(RuntimeError):
    """An audit event can be neither changed nor deleted."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Reads; whole sets can be changed as little as single events."""

    def update(self, **_fields: Any) -> NoReturn:
        """Raises: AuditTrailIsAppendOnly."""
        raise AuditTrailIsAppendOnly(AuditTrailIsAppendOnly.__doc__)

    def delete(self) -> NoReturn:
        """Raises: AuditTrailIsAppendOnly."""
        raise AuditTrailIsAppendOnly(AuditTrailIsAppendOnly.__doc__)


class AuditEvent(models.Model):
    """Something that somebody did, or was refused. Plain columns instead of foreign keys: it outlives people and tenants."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)
    actor_id = models.UUIDField(null=True, blank=True)
    """Null if nobody is known: a log-in under an unknown address."""
    actor_email = models.CharField(max_length=254, blank=True)
    via = models.CharField(max_length=16)
    """What the actor called with: `session`, `api_key`, or `system` for the product itself."""
    credential_id = models.UUIDField(null=True, blank=True)
    """Which API key it was."""
    tenant_id = models.UUIDField(null=True, blank=True)
    action = models.CharField(max_length=64)
    """Dotted, such as `database.credentials.read`."""
    object_type = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=16)
    """`allowed`, `refused` or `failed`."""
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    chain = models.CharField(max_length=36, editable=False)
    """The tenant's id, or PLATFORM: events of one chain are linked to each other (accounts.trail)."""
    position = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    """From 1 on, without a gap; null until the event is sealed, some seconds after it was written."""
    digest = models.CharField(max_length=64, blank=True, editable=False)
    """SHA-256 of the content, the position and the digest before it, in hexadecimal."""

    PLATFORM: ClassVar[str] = "platform"
    objects = AuditEventQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "position"], name="one_event_per_place_in_a_chain")]
        indexes = [
            models.Index(fields=["position", "id"], name="audit_unsealed"),
            models.Index(fields=["tenant_id", "-id"], name="audit_by_tenant"),
            models.Index(fields=["actor_email", "-at"], name="audit_by_person"),
            models.Index(fields=["address", "-at"], name="audit_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_email} {self.action} {self.object_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new event.

        Raises: AuditTrailIsAppendOnly — it is stored already.
        """
        if not self._state.adding:
            raise AuditTrailIsAppendOnly(AuditTrailIsAppendOnly.__doc__)
        self.chain = str(self.tenant_id or self.PLATFORM)
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Raises: AuditTrailIsAppendOnly."""
        raise AuditTrailIsAppendOnly(AuditTrailIsAppendOnly.__doc__)


class AuditChain(models.Model):
    """Where a chain of audit events begins and ends; changed by accounts.trail alone, each time only from the value that it read."""

    name = models.CharField(max_length=36, primary_key=True)
    """`AuditEvent.chain`."""
    head_position = models.PositiveBigIntegerField(default=0)
    head_digest = models.CharField(max_length=64)
    """Of the last event that was sealed: what is missing behind it was cut off."""
    removed_position = models.PositiveBigIntegerField(default=0)
    removed_digest = models.CharField(max_length=64)
    """Of the last event that retention removed: the first one that is left must link to it."""

    def __str__(self) -> str:
        return f"{self.name} up to {self.head_position}"
