"""Addresses under /api/v1 that this application answers."""

from django.urls import path

from provisioning.api import backups, catalogue, databases, insight, operations, quota
from provisioning.api.verbs import verb_routes

urlpatterns = [
    path("tenants/<uuid:tenant_id>/quota", quota.QuotaView.as_view()),
    path("databases", databases.DatabasesView.as_view()),
    path("databases/<uuid:database_id>", databases.DatabaseView.as_view()),
    path("databases/<uuid:database_id>/credentials", databases.CredentialsView.as_view()),
    path("databases/<uuid:database_id>/events", insight.EventsView.as_view()),
    path("databases/<uuid:database_id>/logs", insight.LogsView.as_view()),
    path("databases/<uuid:database_id>/metrics", insight.MetricsView.as_view()),
    path("databases/<uuid:database_id>/operations", operations.DatabaseOperationsView.as_view()),
    path("databases/<uuid:database_id>/backups", backups.DatabaseBackupsView.as_view()),
    path("databases/<uuid:database_id>/backup-policy", backups.PolicyView.as_view()),
    *verb_routes(),
    path("backups", backups.BackupsView.as_view()),
    path("backups/<uuid:backup_id>", backups.BackupView.as_view()),
    path("operations", operations.OperationsView.as_view()),
    path("operations/<uuid:operation_id>", operations.OperationView.as_view()),
    path("operations/<uuid:operation_id>/cancel", operations.CancelView.as_view()),
    path("operations/<uuid:operation_id>/retry", operations.RetryView.as_view()),
    path("engines", catalogue.EnginesView.as_view()),
    path("engines/<str:name>/versions", catalogue.VersionsView.as_view()),
    path("plans", catalogue.PlansView.as_view()),
    path("regions", catalogue.RegionsView.as_view()),
]
