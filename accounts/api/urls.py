"""Addresses under /api/v1/auth."""

from django.urls import path

from accounts.api import (
    password_views,
    schema,  # noqa: F401 -- importing registers the schemes with the OpenAPI generator; here, so that only the web process pays
    second_factor_views,
    views,
)

urlpatterns = [
    path("auth/register", views.RegisterView.as_view()),
    path("auth/login", views.LoginView.as_view()),
    path("auth/refresh", views.RefreshView.as_view()),
    path("auth/logout", views.LogoutView.as_view()),
    path("auth/logout-everywhere", password_views.LogoutEverywhereView.as_view()),
    path("auth/password", password_views.PasswordView.as_view()),
    path("auth/password-reset", password_views.PasswordResetView.as_view()),
    path("auth/password-reset/confirm", password_views.PasswordResetConfirmView.as_view()),
    path("auth/second-factor", second_factor_views.SecondFactorView.as_view()),
    path("auth/second-factor/confirm", second_factor_views.SecondFactorConfirmView.as_view()),
    path("auth/second-factor/remove", second_factor_views.SecondFactorRemoveView.as_view()),
    path("auth/me", views.MeView.as_view()),
    path("auth/api-keys", views.ApiKeysView.as_view()),
    path("auth/api-keys/<uuid:key_id>", views.ApiKeyView.as_view()),
]
