"""Tenants for operators: limits, suspension and who belongs to them.

Names and namespaces never change, use is written by tenants.quota alone, and members are changed by owners through the API.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.forms import CharField, ModelForm
from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin, TabularInline

from accounts import audit
from accounts.actor import actor_from
from accounts.read_only_admin import ReadOnlyAdmin
from dbaas.core.clock import SYSTEM_CLOCK
from tenants import oversight
from tenants.models import Membership, Quota, Tenant
from tenants.oversight import LONGEST_REASON


class QuotaForm(ModelForm):  # type: ignore[type-arg] # at run time it has no parameter
    """Plan and limits, with the reason for changing them."""

    reason = CharField(
        max_length=LONGEST_REASON,
        required=False,
        help_text="Needed for a change; kept in the audit log, which the tenant's admins can read.",
    )

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where something is changed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if set(self.changed_data) - {"reason"} and not cleaned.get("reason"):
            self.add_error("reason", "Say why the quota is changed.")
        return cleaned


class QuotaInline(TabularInline):  # type: ignore[misc] # the library is untyped
    """Limits can be changed; use is shown beside them."""

    model = Quota
    form = QuotaForm
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
    fields = (
        "id",
        "name",
        "display_name",
        "namespace",
        "suspended_at",
        "suspended_because",
        "version",
        "created_at",
        "updated_at",
    )
    readonly_fields = (
        "id",
        "name",
        "namespace",
        "suspended_at",
        "suspended_because",
        "version",
        "created_at",
        "updated_at",
    )
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
    def suspend(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> TemplateResponse | None:
        """Let members of the chosen tenants only read from now on, with a reason."""
        means = "Members can read everything and change nothing. Databases run on, and operations go on to their end."
        return self._decide(request, queryset, oversight.suspend, means=means)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> TemplateResponse | None:
        """Let members of the chosen tenants change things again, with a reason."""
        return self._decide(request, queryset, oversight.resume, means="Members can change things again.")

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[Tenant], carry_out: Callable[..., bool], *, means: str
    ) -> TemplateResponse | None:
        """Ask for a reason, or do it with the one that was given."""
        if reason := request.POST.get("reason", "").strip():
            changed = [tenant.name for tenant in queryset if carry_out(actor_from(request), tenant.id, reason=reason)]
            self.message_user(request, f"Changed: {', '.join(changed) or 'none'}.")
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": carry_out.__name__.capitalize(),
            "opts": self.model._meta,
            "action": carry_out.__name__,
            "means": means,
            "tenants": queryset,
            "is_reason_missing": "reason" in request.POST,
            "longest_reason": LONGEST_REASON,
        }
        return TemplateResponse(request, "tenants_admin/decide.html", context)

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
        formset.save(commit=False)
        for shown in formset.forms:
            if set(shown.changed_data) - {"reason"}:
                asked = shown.cleaned_data
                oversight.change_quota(
                    actor_from(request), form.instance.id, plan=asked["plan"], limits=asked, reason=asked["reason"]
                )

    @staticmethod
    def _record(request: HttpRequest, tenant: Tenant, action: str, detail: dict[str, Any] | None = None) -> None:
        actor = actor_from(request)
        audit.record(
            actor, action=action, object_type="tenant", object_id=tenant.id, tenant_id=tenant.id, detail=detail
        )


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who belongs to which tenant; read only, because owners decide that."""

    list_display = ("tenant", "user", "role", "created_at")
    list_select_related = ("tenant", "user")
    list_filter = ("role",)
    search_fields = ("tenant__name", "user__email")
    ordering = ("-id",)
