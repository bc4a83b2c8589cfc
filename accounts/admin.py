"""Accounts for operators. Nothing here shows or takes a secret, and the audit trail can only be read."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import api_keys, second_factor, sessions
from accounts.actor import actor_from
from accounts.models import ApiKey, AuditEvent, RefreshSession, User
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.recorded_admin import RecordedAdmin

admin.site.login_template = "accounts/operator_login.html"


class NewUserForm(UserCreationForm):  # type: ignore[misc] # the library is untyped
    """A new person, by e-mail address."""

    class Meta:
        model = User
        fields = ("email", "name")


class UserForm(UserChangeForm):  # type: ignore[misc] # the library is untyped
    """A person."""

    class Meta:
        model = User
        fields = "__all__"


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[misc] # the library is untyped
    """A new password, which ends every session that the old one began."""

    def save(self, commit: bool = True) -> User:
        """Store the password and log this person out everywhere."""
        user: User = super().save(commit=commit)
        if commit:
            sessions.end_all_silently(user.id)
        return user


@admin.register(User)
class UserAccountAdmin(RecordedAdmin, UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg] # unfold is untyped; at run time Django's has no parameter
    """People: find, deactivate, make operators, end all sessions."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    readonly_fields = ("id", "created_at", "last_login", "session_epoch")
    fieldsets = (
        (None, {"fields": ("id", "email", "name", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("History", {"fields": ("created_at", "last_login", "session_epoch")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)
    actions = ("end_all_sessions", "remove_second_factor")

    @admin.action(description="End all sessions")
    def end_all_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Log the chosen people out everywhere, at once."""
        for user in queryset:
            sessions.end_all_of(actor_from(request), user.id)
        self.message_user(request, f"Ended all sessions of {len(queryset)} people.")

    @admin.action(description="Remove second factor", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Let the chosen people log in without the device and the recovery codes that they lost."""
        for user in queryset:
            second_factor.remove_as_operator(actor_from(request), user.id)
        self.message_user(request, f"{len(queryset)} people have no second factor any more.")


admin.site.unregister(Group)


@admin.register(Group)
class OperatorGroupAdmin(RecordedAdmin, GroupAdmin, ModelAdmin):  # type: ignore[misc] # the library is untyped
    """Groups of operators with what each may do in the admin."""


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys: who has which, and an action to revoke; the hash is not shown."""

    list_display = ("prefix", "name", "user", "tenant_id", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    list_filter = ("revoked_at",)
    search_fields = ("prefix", "name", "user__email")
    ordering = ("-id",)
    fields = (
        *("id", "prefix", "name", "user", "scopes", "tenant_id", "allowed_networks", "made_with"),
        *("created_at", "expires_at", "last_used_at", "last_used_address", "last_refused_at", "revoked_at"),
    )
    actions = ("revoke",)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End the chosen keys at once."""
        revoked = api_keys.revoke_as_operator(actor_from(request), [key.id for key in queryset])
        self.message_user(request, f"Revoked {revoked} keys.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Allow it to operators who may change API keys."""
        return request.user.has_perm("accounts.change_apikey")


@admin.register(RefreshSession)
class RefreshSessionAdmin(ReadOnlyAdmin):
    """Sessions: when and from where; tokens are stored as hashes, which are not shown."""

    list_display = ("family_id", "user", "address", "created_at", "expires_at", "used", "revoked_at")
    list_select_related = ("user",)
    list_filter = ("used", "revoked_at")
    search_fields = ("user__email", "address", "family_id")
    ordering = ("-id",)
    fields = ("id", "user", "family_id", "address", "created_at", "expires_at", "used", "revoked_at")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit trail."""

    list_display = ("at", "actor_email", "via", "action", "object_type", "object_id", "outcome", "address", "position")
    list_filter = ("outcome", "via", "object_type", ("position", admin.EmptyFieldListFilter), "at")
    search_fields = ("actor_email", "action", "object_id", "address", "request_id", "tenant_id", "credential_id")
    ordering = ("-id",)
    show_full_result_count = False
