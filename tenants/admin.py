"""Tenants for operators: limits, suspension and who belongs to them.

Names and namespaces never change, use is written by tenants.quota alone, and members are changed by owners through the API.
"""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from accounts import audit
from accounts.actor import actor_from
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from tenants.models import Membership, Quota, Tenant
from tenants.quota import RESOURCES

_LIMITS = tuple(f"max_{name}" for name in RESOURCES)


class QuotaInline(TabularInline):  # type: ignore[misc] # the library is untyped
    """Limits can be changed; use is shown beside them."""

    model = Quota
    can_delete = False
    readonly_fields = ("used_databases", "used_cpu_millicores", "used_memory_mib", "used_storage_gib")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds: every tenant is made with its quota."""
        del request, obj
        return False


@admin.register(Tenant)
class TenantAdmin(ModelAdmin):  # type: ignore[misc] # the library is untyped
    """Tenants: limits and suspension."""

    list_display = ("name", "display_name", "namespace", "suspended_at", "created_at")
    list_filter = ("suspended_at",)
    search_fields = ("name", "display_name", "namespace", "id")
    ordering = ("name",)
    fields = ("id", "name", "display_name", "namespace", "suspended_at", "version", "created_at", "updated_at")
    readonly_fields = ("id", "name", "namespace", "suspended_at", "version", "created_at", "updated_at")
    inlines = (QuotaInline,)
    actions = ("suspend", "resume")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds here: a tenant needs an owner, so it is made through the API."""
        del request
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes: databases and their history belong to it. Suspend it instead."""
        del request, obj
        return False

    @admin.action(description="Suspend", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        """Let members of the chosen tenants only read from now on."""
        self._mark(request, queryset, action="tenant.suspended", suspended_at=SYSTEM_CLOCK.now())

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        """Let members of the chosen tenants change things again."""
        self._mark(request, queryset, action="tenant.resumed", suspended_at=None)

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """Store the change as a new version, so that clients' ETags tell."""
        del form, change
        Tenant.objects.filter(id=obj.id).update(
            display_name=obj.display_name, version=F("version") + 1, updated_at=SYSTEM_CLOCK.now()
        )
        self._record(request, obj, "tenant.changed")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Store the limits only: the use may have changed since the form was opened."""
        del change
        for quota in formset.save(commit=False):
            limits = {name: getattr(quota, name) for name in _LIMITS}
            Quota.objects.filter(tenant_id=quota.tenant_id).update(**limits)
            self._record(request, form.instance, "tenant.quota_changed", detail=limits)

    def _mark(self, request: HttpRequest, queryset: QuerySet[Tenant], *, action: str, suspended_at: Any) -> None:
        with atomic():
            for tenant in queryset:
                Tenant.objects.filter(id=tenant.id).update(suspended_at=suspended_at, version=F("version") + 1)
                self._record(request, tenant, action)

    @staticmethod
    def _record(request: HttpRequest, tenant: Tenant, action: str, detail: dict[str, Any] | None = None) -> None:
        actor = actor_from(request)
        audit.record(
            actor, action=action, object_type="tenant", object_id=tenant.id, tenant_id=tenant.id, detail=detail
        )


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):  # type: ignore[misc] # the library is untyped
    """Who belongs to which tenant; read only, because owners decide that."""

    list_display = ("tenant", "user", "role", "created_at")
    list_select_related = ("tenant", "user")
    list_filter = ("role",)
    search_fields = ("tenant__name", "user__email")
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds here."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes here."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here."""
        del request, obj
        return False
