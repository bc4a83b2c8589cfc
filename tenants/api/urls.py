"""Addresses under /api/v1/tenants."""

from django.urls import path

from tenants.api import audit_views, invitation_views, member_views, views

urlpatterns = [
    path("tenants", views.TenantsView.as_view()),
    path("tenants/<uuid:tenant_id>", views.TenantView.as_view()),
    path("tenants/<uuid:tenant_id>/audit-log", audit_views.AuditLogView.as_view()),
    path("tenants/<uuid:tenant_id>/invitations", invitation_views.InvitationsView.as_view()),
    path("tenants/<uuid:tenant_id>/invitations/<uuid:invitation_id>", invitation_views.InvitationView.as_view()),
    path("tenants/<uuid:tenant_id>/invitations/<uuid:invitation_id>/resend", invitation_views.ResendView.as_view()),
    path("invitations/accept", invitation_views.AcceptView.as_view()),
    path("invitations/register", invitation_views.InvitedRegisterView.as_view()),
    path("tenants/<uuid:tenant_id>/members", member_views.MembersView.as_view()),
    path("tenants/<uuid:tenant_id>/members/<uuid:user_id>", member_views.MemberView.as_view()),
]
