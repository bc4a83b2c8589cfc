"""Routes for backups, and for the policy by which a database is backed up by itself."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.permissions import Permission
from dbaas.api.errors import CursorInvalid, IdempotencyKeyInvalid
from dbaas.api.openapi import IDEMPOTENCY_KEY, PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.views import validated, validated_query
from dbaas.core.errors import Forbidden, NotFound
from provisioning import selectors
from provisioning.api import examples
from provisioning.api.accepting import accepted, idempotency_of
from provisioning.api.serializers import OperationSerializer
from provisioning.backups.driver import NoBackupsHere
from provisioning.copies import policy_of
from provisioning.models import Backup, BackupPolicy, Database
from provisioning.operations.delete_backup import BackupNotDeletable
from provisioning.orders import InvalidOrder
from provisioning.selectors import BackupNotFound, DatabaseNotFound
from provisioning.services.refusals import KeyReused, OperationInProgress, StateForbids
from provisioning.services.requesting import request_operation
from tenants.access import TenantSuspended

_TAGS = ["backups"]


class NoPolicy(NotFound):
    """The database has no backup policy: set one with PUT."""

    code = "backup_policy.not_found"


class BackupSerializer(serializers.Serializer[Any]):
    """A backup."""

    id = serializers.UUIDField()
    tenant = serializers.UUIDField()
    database = serializers.UUIDField()
    database_name = serializers.CharField()
    kind = serializers.CharField(
        help_text="`manual`, `scheduled`, `safety` (before a restore), `final` (before a deletion)."
    )
    state = serializers.CharField(help_text="`running`, `succeeded`, `failed`, `deleted`.")
    note = serializers.CharField()
    engine = serializers.CharField()
    version = serializers.CharField()
    size_bytes = serializers.IntegerField(allow_null=True)
    checksum = serializers.CharField(allow_null=True, help_text="SHA-256, where the backup tool says.")
    error = serializers.CharField(allow_null=True)
    operation = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    taken_at = serializers.DateTimeField(allow_null=True)


class BackupFilterSerializer(serializers.Serializer[Any]):
    """Which backups to list."""

    tenant = serializers.UUIDField(required=False)
    database = serializers.UUIDField(required=False)
    kind = serializers.CharField(max_length=20, required=False)
    state = serializers.CharField(max_length=20, required=False)


class PolicySerializer(serializers.Serializer[Any]):
    """When a database is backed up by itself, and how many of these backups are kept."""

    schedule = serializers.CharField(max_length=100, help_text="Five cron fields, such as `0 2 * * *`.")
    time_zone = serializers.CharField(max_length=63, default="UTC", help_text="Such as `Europe/Berlin`.")
    keep_last = serializers.IntegerField(default=7, help_text="So many of the last ones; at least one.")
    keep_daily = serializers.IntegerField(default=0, help_text="One a day, for so many days that have one.")
    keep_weekly = serializers.IntegerField(default=0)
    keep_monthly = serializers.IntegerField(default=0)
    point_in_time = serializers.BooleanField(default=False, help_text="Keep every change, to restore any moment.")
    is_paused = serializers.BooleanField(default=False)


class WindowOfRecoverySerializer(serializers.Serializer[Any]):
    """Between which moments the database can be brought back."""

    begins_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class ShownPolicySerializer(PolicySerializer):
    """A policy in force."""

    restorable = WindowOfRecoverySerializer(allow_null=True)


class BackupsView(ActorView):
    """GET backups."""

    @extend_schema(
        operation_id="list_backups",
        summary="List backups",
        tags=_TAGS,
        parameters=[BackupFilterSerializer, *PAGE_PARAMETERS],
        responses={200: page_of(BackupSerializer)},
    )
    @needs(Permission.BACKUPS_READ)
    @raises(CursorInvalid)
    def get(self, request: Request) -> Response:
        """List the backups of all your tenants, newest first; those of deleted databases too."""
        wanted = validated_query(BackupFilterSerializer, request)
        columns = {"tenant": "tenant_id", "database": "database_id"}
        filters = {columns.get(name, name): value for name, value in wanted.items()}
        found = page(selectors.backups_of(self.actor, **filters), request)
        return Response({**found, "items": [_show(backup) for backup in found["items"]]})


class DatabaseBackupsView(ActorView):
    """GET databases/{id}/backups."""

    @extend_schema(
        operation_id="list_backups_of_database",
        summary="List a database's backups",
        tags=_TAGS,
        parameters=PAGE_PARAMETERS,
        responses={200: page_of(BackupSerializer)},
    )
    @needs(Permission.BACKUPS_READ)
    @raises(DatabaseNotFound, CursorInvalid)
    def get(self, request: Request, database_id: UUID) -> Response:
        """List what one database can be restored from, newest first."""
        database = selectors.database_of(self.actor, database_id)
        found = page(selectors.backups_of(self.actor, database_id=database.id), request)
        return Response({**found, "items": [_show(backup) for backup in found["items"]]})


class BackupView(ActorView):
    """GET and DELETE backups/{id}."""

    @extend_schema(operation_id="read_backup", summary="Read a backup", tags=_TAGS, responses={200: BackupSerializer})
    @needs(Permission.BACKUPS_READ)
    @raises(BackupNotFound)
    def get(self, _request: Request, backup_id: UUID) -> Response:
        """Return a backup."""
        return Response(_show(selectors.backup_of(self.actor, backup_id)))

    @extend_schema(
        operation_id="delete_backup",
        summary="Delete a backup",
        tags=_TAGS,
        parameters=[IDEMPOTENCY_KEY],
        responses={202: OperationSerializer},
        examples=[examples.OPERATION],
    )
    @needs(Permission.BACKUPS_WRITE)
    @raises(
        BackupNotFound,
        Forbidden,
        TenantSuspended,
        BackupNotDeletable,
        StateForbids,
        OperationInProgress,
        KeyReused,
        IdempotencyKeyInvalid,
    )
    def delete(self, request: Request, backup_id: UUID) -> Response:
        """Delete a backup with its content. Nothing brings it back."""
        backup = selectors.backup_of(self.actor, backup_id)
        body = {"backup": backup.id}
        return accepted(
            request_operation(self.actor, backup.database_id, "delete_backup", body, idempotency_of(request))
        )


class PolicyView(ActorView):
    """GET and PUT databases/{id}/backup-policy."""

    @extend_schema(
        operation_id="read_backup_policy",
        summary="Read a database's backup policy",
        tags=_TAGS,
        responses={200: ShownPolicySerializer},
    )
    @needs(Permission.BACKUPS_READ)
    @raises(DatabaseNotFound, NoPolicy)
    def get(self, _request: Request, database_id: UUID) -> Response:
        """Return the policy in force, and the window of point-in-time recovery."""
        database = selectors.database_of(self.actor, database_id)
        policy = policy_of(database)
        if policy is None:
            raise NoPolicy
        return Response(_show_policy(policy, database))

    @extend_schema(
        operation_id="set_backup_policy",
        summary="Set a database's backup policy",
        tags=_TAGS,
        parameters=[IDEMPOTENCY_KEY],
        request=PolicySerializer,
        responses={202: OperationSerializer},
        examples=[examples.OPERATION],
    )
    @needs(Permission.BACKUPS_WRITE)
    @raises(
        DatabaseNotFound,
        Forbidden,
        TenantSuspended,
        InvalidOrder,
        NoBackupsHere,
        StateForbids,
        OperationInProgress,
        KeyReused,
        IdempotencyKeyInvalid,
    )
    def put(self, request: Request, database_id: UUID) -> Response:
        """Set when backups are taken and how many are kept. The last good one is never taken away."""
        body = validated(PolicySerializer, request)
        return accepted(request_operation(self.actor, database_id, "backup_policy", body, idempotency_of(request)))


def _show(backup: Backup) -> dict[str, Any]:
    return {
        "id": backup.id,
        "tenant": backup.tenant_id,
        "database": backup.database_id,
        "database_name": backup.database.name,
        "kind": backup.kind,
        "state": backup.state,
        "note": backup.note,
        "engine": backup.engine,
        "version": backup.version,
        "size_bytes": backup.size_bytes,
        "checksum": backup.checksum or None,
        "error": backup.error or None,
        "operation": backup.operation_id,
        "created_at": backup.created_at,
        "taken_at": backup.taken_at,
    }


def _show_policy(policy: BackupPolicy, database: Database) -> dict[str, Any]:
    names = (
        "schedule",
        "time_zone",
        "keep_last",
        "keep_daily",
        "keep_weekly",
        "keep_monthly",
        "point_in_time",
        "is_paused",
    )
    window = {"begins_at": database.restorable_from, "ends_at": database.restorable_until}
    return {
        **{name: getattr(policy, name) for name in names},
        "restorable": window if database.restorable_from else None,
    }
