"""Webhooks for operators: how they do, and what was sent. Read only, because members decide; no page shows a secret."""

from django.contrib import admin
from unfold.admin import TabularInline

from accounts.read_only_admin import ReadOnly, ReadOnlyAdmin
from webhooks.models import Attempt, Delivery, Endpoint


class AttemptInline(ReadOnly, TabularInline):  # type: ignore[misc] # the library is untyped
    """Every try of a delivery."""

    model = Attempt
    fields = ("number", "at", "duration_ms", "outcome", "status", "detail")
    readonly_fields = fields
    ordering = ("number",)
    extra = 0


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    """Where tenants want to be told, and whether that works."""

    list_display = ("url", "tenant", "is_enabled", "failing_since", "disabled_because", "created_at")
    list_filter = ("is_enabled",)
    search_fields = ("id", "url", "tenant__name")
    list_select_related = ("tenant",)
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("tenant", "url", "description", "events")}),
        ("State", {"fields": ("is_enabled", "disabled_at", "disabled_because", "failing_since")}),
        ("Row", {"fields": ("id", "old_secret_until", "version", "created_by", "created_at", "updated_at")}),
    )


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Messages: what waits, what arrived, what was given up."""

    list_display = ("kind", "endpoint_url", "tenant", "state", "tries", "last_status", "next_attempt_at", "created_at")
    list_filter = ("state", "event__kind")
    search_fields = ("id", "event__id", "endpoint__id", "endpoint__tenant__name")
    list_select_related = ("event", "endpoint__tenant")
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("kind", "endpoint_url", "tenant", "state", "tries", "last_status", "body")}),
        ("Row", {"fields": ("id", "next_attempt_at", "dispatch_after", "lease_until", "lease_token", "finished_at")}),
    )
    readonly_fields = ("kind", "endpoint_url", "tenant", "body")
    inlines = (AttemptInline,)

    @admin.display(description="type", ordering="event__kind")
    def kind(self, delivery: Delivery) -> str:
        """Return the event's type."""
        return delivery.event.kind

    @admin.display(description="webhook")
    def endpoint_url(self, delivery: Delivery) -> str:
        """Return where it goes."""
        return delivery.endpoint.url

    @admin.display(description="tenant")
    def tenant(self, delivery: Delivery) -> str:
        """Return whose it is."""
        return delivery.endpoint.tenant.name

    @admin.display(description="body")
    def body(self, delivery: Delivery) -> str:
        """Return what is sent."""
        return delivery.event.body
