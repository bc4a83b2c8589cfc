"""Operations for operators: their timelines, and what can be decided about one that is stuck."""

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.read_only_admin import ReadOnlyAdmin
from provisioning.admin.deciding import ABANDON, LONGEST_REASON, RETRY, SKIP, Decision, carry_out
from provisioning.models import Operation, OperationEvent
from provisioning.selectors import timeline_of

_OPERATION_ROW = (
    "id",
    "holds_database",
    "attempt",
    "lost_workers",
    "next_run_at",
    "dispatch_after",
    "lease_owner",
    "lease_until",
    "lease_token",
    "epoch",
    "wake_seq",
    "step_started_at",
    "step_deadline_at",
    "deadline_at",
    "undo_deadline_at",
    "params",
    "idempotency_key",
    "request_id",
    "created_by",
)


_CELL = '<td class="pr-4 py-1">{}</td>'
_HEAD = SafeString("<tr><th>at</th><th>event</th><th>step</th><th>message</th><th>try</th><th>ms</th></tr>")
_ROW = f"<tr>{_CELL * 6}</tr>"


def _cells(event: OperationEvent) -> tuple[object, ...]:
    took = "" if event.duration_ms is None else event.duration_ms
    return event.at.strftime("%H:%M:%S.%f")[:-3], event.event, event.step, event.message, event.attempt, took


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """Operations with their timelines; those that are stuck wait here for a decision."""

    list_display = ("kind", "database", "tenant", "state", "step", "progress", "attempt", "created_at", "finished_at")
    list_filter = ("state", "kind")
    search_fields = ("id", "database__id", "database__name", "tenant__name")
    list_select_related = ("database", "tenant")
    readonly_fields = ("timeline", "background_jobs")
    fieldsets = (
        (None, {"fields": ("database", "tenant", "kind", "state", "step", "progress", "waiting_for")}),
        ("Trouble", {"fields": ("error_code", "error_detail", "cancel_requested_at")}),
        ("Timeline", {"fields": ("timeline", "background_jobs", "created_at", "started_at", "finished_at")}),
        ("Row", {"fields": _OPERATION_ROW}),
    )
    actions = ("retry", "skip", "abandon")

    @admin.display(description="timeline")
    def timeline(self, operation: Operation) -> SafeString:
        """Return what happened so far, one line each."""
        rows = format_html_join("", _ROW, (_cells(event) for event in timeline_of(operation)))
        return format_html('<table class="w-full text-left">{}{}</table>', _HEAD, rows)

    @admin.display(description="background jobs")
    def background_jobs(self, operation: Operation) -> SafeString:
        """Return a link to Flower, which shows the messages that carried this id."""
        return format_html(
            '<a href="{}/tasks" target="_blank">Flower: tasks with args {}</a>', settings.FLOWER_URL, operation.pk
        )

    @admin.action(description="Retry (only what is stuck)", permissions=["decide"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """Let each chosen operation that is stuck go on at its step."""
        carry_out(RETRY, request, queryset, reason="")

    @admin.action(description="Skip the step (only what is stuck)", permissions=["decide"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Operation]) -> TemplateResponse | None:
        """Take the step for done, with a reason."""
        return self._decide(SKIP, request, queryset)

    @admin.action(description="Abandon (only what is stuck)", permissions=["decide"])
    def abandon(self, request: HttpRequest, queryset: QuerySet[Operation]) -> TemplateResponse | None:
        """Give it up, with a reason: what can still be undone is undone."""
        return self._decide(ABANDON, request, queryset)

    def _decide(
        self, decision: Decision, request: HttpRequest, queryset: QuerySet[Operation]
    ) -> TemplateResponse | None:
        """Ask for a reason, or carry the decision out with the one that was given."""
        reason = request.POST.get("reason", "").strip()
        if "reason" in request.POST and reason:
            carry_out(decision, request, queryset, reason=reason[:LONGEST_REASON])
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": decision.title,
            "opts": self.model._meta,
            "decision": decision,
            "operations": queryset,
            "is_reason_missing": "reason" in request.POST,
            "longest_reason": LONGEST_REASON,
        }
        return TemplateResponse(request, "provisioning_admin/decide.html", context)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Tell whether this operator may decide: who may change operations may."""
        return request.user.has_perm("provisioning.change_operation")


@admin.register(OperationEvent)
class OperationEventAdmin(ReadOnlyAdmin):
    """All timelines in one list."""

    list_display = ("at", "operation", "event", "step", "attempt", "message")
    list_filter = ("event", "step")
    search_fields = ("operation__id", "message")
    list_select_related = ("operation",)
