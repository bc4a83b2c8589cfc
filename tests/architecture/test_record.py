"""That whatever changes something, or shows a secret, goes on record: every route, every admin page, every action explained to auditors."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver

from accounts.models import User
from accounts.recorded_admin import RecordedAdmin
from dbaas.urls import api_v1
from tests.architecture.recorded import recorded_actions
from tests.architecture.sizes import ROOT

NO_ACTIONS = {"ca.crt", "maintenance_window.<>"}
"""Dotted texts that are something else."""

OPERATION = "database.<>.requested"
ACTION_OF = {
    "POST auth/register": "account.registered",
    "POST auth/login": "session.started",
    "POST auth/logout": "session.ended",
    "POST auth/logout-everywhere": "session.all_ended",
    "POST auth/password": "account.password_changed",
    "POST auth/password-reset": "account.reset_requested",
    "POST auth/password-reset/confirm": "account.password_reset",
    "POST auth/second-factor/confirm": "second_factor.enrolled",
    "POST auth/second-factor/remove": "second_factor.removed",
    "POST auth/api-keys": "api_key.created",
    "DELETE auth/api-keys/<key_id>": "api_key.revoked",
    "POST tenants": "tenant.created",
    "PATCH tenants/<tenant_id>": "tenant.changed",
    "POST tenants/<tenant_id>/invitations": "invitation.created",
    "DELETE tenants/<tenant_id>/invitations/<invitation_id>": "invitation.withdrawn",
    "POST tenants/<tenant_id>/invitations/<invitation_id>/resend": "invitation.sent_again",
    "POST invitations/accept": "member.added",
    "POST invitations/register": "member.added",
    "PATCH tenants/<tenant_id>/members/<user_id>": "member.role_changed",
    "DELETE tenants/<tenant_id>/members/<user_id>": "member.removed",
    "POST tenants/<tenant_id>/webhooks": "webhook.created",
    "PATCH tenants/<tenant_id>/webhooks/<webhook_id>": "webhook.changed",
    "DELETE tenants/<tenant_id>/webhooks/<webhook_id>": "webhook.removed",
    "POST tenants/<tenant_id>/webhooks/<webhook_id>/rotate-secret": "webhook.secret_rotated",
    "POST tenants/<tenant_id>/webhooks/<webhook_id>/test": "webhook.tested",
    "POST tenants/<tenant_id>/webhooks/<webhook_id>/deliveries/<delivery_id>/redeliver": "webhook.redelivered",
    "POST databases": OPERATION,
    "PATCH databases/<database_id>": "database.changed",
    "DELETE databases/<database_id>": OPERATION,
    "PUT databases/<database_id>/backup-policy": OPERATION,
    "DELETE backups/<backup_id>": OPERATION,
    "POST operations/<operation_id>/cancel": "operation.cancel_requested",
    "POST operations/<operation_id>/retry": "operation.retried",
    "GET databases/<database_id>/credentials": "database.credentials.read",
    "GET databases/<database_id>/logs": "database.log.read",
    "GET tenants/<tenant_id>/audit-log": "audit_log.exported",
}
"""What each route that changes something is recorded as; and some that only read, but what not everybody should."""
NOT_RECORDED = {
    "POST auth/refresh": "goes on with a session whose start is on record; its misuse is recorded",
    "POST auth/second-factor": "makes a secret that counts for nothing until it is confirmed",
}
RECORD_THEMSELVES = {"tenants.Tenant", "provisioning.Cluster"}
"""Admin pages that record more than which fields were changed."""


def _mutations(patterns: list[URLPattern | URLResolver], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for entry in patterns:
        path = prefix + re.sub(r"<\w+:", "<", str(entry.pattern))
        if isinstance(entry, URLResolver):
            found |= _mutations(entry.url_patterns, path)
            continue
        view = entry.callback.view_class  # type: ignore[attr-defined] # as_view() leaves it there
        methods = ("post", "put", "patch", "delete")
        found |= {f"{method.upper()} {path}" for method in methods if hasattr(view, method)}
    return found


def _is_operation(route: str) -> bool:
    """Tell whether the route asks for an operation by its verb; those are all accepted in one place."""
    return bool(re.fullmatch(r"POST databases/<database_id>/[a-z-]+", route))


def test_that_every_route_that_changes_something_goes_on_record() -> None:
    routes = _mutations(api_v1)

    unrecorded = {route for route in routes if not _is_operation(route)} - set(ACTION_OF) - set(NOT_RECORDED)

    assert unrecorded == set(), "Record it with accounts.audit, add it here, and explain the action in docs/audit.md."


def test_that_the_list_of_routes_names_none_that_is_gone() -> None:
    changing = {route for route in (*ACTION_OF, *NOT_RECORDED) if not route.startswith("GET ")}

    assert changing - _mutations(api_v1) == set()


def test_that_every_action_of_the_list_is_recorded_somewhere() -> None:
    assert set(ACTION_OF.values()) - set(recorded_actions()) == set()


def test_that_auditors_are_told_of_every_action() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z_<>.]+\.[a-z_<>]+)`", page))
    told = {re.sub(r"<\w+>", "<>", action) for action in told}

    untold = {f"{action} ({name})" for action, name in recorded_actions().items() if action not in told | NO_ACTIONS}

    assert untold == set()


@pytest.mark.django_db
def test_that_every_page_of_the_admin_that_changes_something_records_it() -> None:
    request = RequestFactory().get("/admin/")
    request.user = User.objects.create_superuser("operator@example.com", "a long pass phrase")

    silent = {model._meta.label for model, page in admin.site._registry.items() if not _records(page, request)}

    assert silent == RECORD_THEMSELVES


def _records(page: "ModelAdmin[Any]", request: HttpRequest) -> bool:
    may = (page.has_add_permission, page.has_change_permission, page.has_delete_permission)
    return isinstance(page, RecordedAdmin) or not any(allowed(request) for allowed in may)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('from accounts import audit\naudit.record(actor, action="thing.done")', {"thing.done"}),
        ('from accounts import audit\naudit.record(actor, action=f"thing.{verb}.done")', {"thing.<>.done"}),
        ('from accounts import audit\nclass Refused(Exception):\n    code = "thing.refused"', set()),
        ('audit.record(actor, action="thing.done")', set()),
    ],
)
def test_that_actions_are_found_in_the_source(
    text: str, found: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "accounts" / "thing.py"
    source.parent.mkdir()
    source.write_text(text)
    monkeypatch.setattr("tests.architecture.recorded.ROOT", tmp_path)
    monkeypatch.setattr("tests.architecture.recorded.sources", lambda: [source])

    assert set(recorded_actions()) == found
