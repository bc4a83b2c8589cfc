"""What all environments share; each environment's file gives it an `Environment` and changes what must differ."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from dbaas.settings import headers
from dbaas.settings.console import UNFOLD  # noqa: F401 -- a setting of django-unfold
from dbaas.settings.databases import database_from
from dbaas.settings.env import ROOT, Environment
from dbaas.settings.logs import logging_from
from dbaas.settings.mail import mail_from
from dbaas.settings.openapi import SPECTACULAR
from dbaas.settings.queues import celery_from

INSTALLED_APPS = [
    "unfold",
    # without autodiscovery: dbaas.urls does it, so that only the web process pays for importing the admin
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "corsheaders",
    "csp",
    "dbaas.api",
    "dbaas.health",
    "accounts",
    "tenants",
    "webhooks",
    "provisioning",
]

MIDDLEWARE = [
    "dbaas.api.request_metrics.RequestMetricsMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "dbaas.api.request_id.RequestIdMiddleware",
    "dbaas.api.rate_limits.enforcement.RateLimitMiddleware",
    "dbaas.api.page_headers.PageHeadersMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "dbaas.api.body_limit.BodyLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.AccessTokenAuthentication",
        "accounts.api.authentication.ApiKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "dbaas.api.rate_limits.enforcement.IsWithinRate",
        "accounts.api.permissions.IsPermitted",
    ],
    "DEFAULT_PARSER_CLASSES": ["dbaas.api.json.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["dbaas.api.json.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "dbaas.api.openapi.ProblemAwareSchema",
    "EXCEPTION_HANDLER": "dbaas.api.problems.exception_to_response",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
}

DEBUG = False
ROOT_URLCONF = "dbaas.urls"
WSGI_APPLICATION = "dbaas.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/admin/login/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
APPEND_SLASH = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
SPECTACULAR_SETTINGS = SPECTACULAR
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
PROMETHEUS_EXPORT_MIGRATIONS = False
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY: dict[str, Any] = headers.CONTENT_SECURITY_POLICY
ADMIN_POLICY: dict[str, Any] = headers.ADMIN_POLICY
DOCS_POLICY: dict[str, Any] = headers.DOCS_POLICY
PERMISSIONS_POLICY: str = headers.PERMISSIONS_POLICY
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True

# What `settings_from` fills in; declared here so that `django.conf.settings` is typed.
ACCESS_TOKEN_LIFETIME: timedelta
ALIVE_DIR: Path
API_KEY_PEPPER: str
AUDIT_RETENTION: timedelta
BASE_DIR: Path
CELERY: dict[str, Any]
CLUSTER_CALLS_PER_SECOND: int
CRASH_POINT: str | None
DATA_DIR: Path
ENCRYPTION_KEYS: list[str]
FLOWER_URL: str
JWT_SIGNING_KEYS: list[str]
LEASE_SECONDS: int
MAX_OPERATIONS_IN_DISPATCH: int
MAX_OPERATIONS_PER_TENANT_IN_DISPATCH: int
OPEN_REGISTRATION: bool
PROMETHEUS_URL: str
METRICS_PORT: int
METRICS_ADDRESS: str
METRICS_CACHE_SECONDS: int
PUBLIC_URL: str
RATE_LIMITS: dict[str, int]
RATE_LIMIT_URL: str
REFRESH_TOKEN_LIFETIME: timedelta
TRUSTED_PROXIES: list[str]
WEBHOOKS_PER_TENANT: int
WEBHOOK_ALLOWED_NETWORKS: list[str]
WEBHOOK_ALLOW_LOOPBACK: bool
WEBHOOK_CA_PATH: str
WEBHOOK_DENIED_NETWORKS: list[str]
WEBHOOK_RETENTION_DAYS: int

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
STAFF_NEEDS_TOTP: bool
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]


def settings_from(environment: Environment, *, is_publisher: bool = True) -> dict[str, Any]:
    """Return every setting that follows from the environment, ready for `globals().update(...)`."""
    return {
        "BASE_DIR": ROOT,
        "ALIVE_DIR": environment.alive_dir,
        "DATA_DIR": environment.dbaas_data_dir,
        "SECRET_KEY": environment.secret_key,
        "JWT_SIGNING_KEYS": _listed(environment.jwt_signing_key),
        "API_KEY_PEPPER": environment.api_key_pepper,
        "ENCRYPTION_KEYS": _listed(environment.encryption_keys),
        "ACCESS_TOKEN_LIFETIME": timedelta(minutes=environment.access_token_minutes),
        "REFRESH_TOKEN_LIFETIME": timedelta(days=environment.refresh_token_days),
        "AUDIT_RETENTION": timedelta(days=environment.audit_retention_days),
        "DATABASES": {"default": database_from(environment)},
        "CELERY": celery_from(
            broker_url=environment.broker_url, is_publisher=is_publisher, lease_seconds=environment.lease_seconds
        ),
        "RATE_LIMITS": _rate_limits(environment),
        "RATE_LIMIT_URL": environment.rate_limit_url or _shared_by(environment.broker_url),
        "LEASE_SECONDS": environment.lease_seconds,
        "LOGGING": logging_from(level=environment.log_level, log_format=environment.log_format),
        "ALLOWED_HOSTS": _listed(environment.allowed_hosts),
        "CSRF_TRUSTED_ORIGINS": _listed(environment.csrf_trusted_origins),
        **mail_from(environment),
        "OPEN_REGISTRATION": environment.open_registration,
        **headers.cors_from(_listed(environment.cors_allowed_origins)),
        "PUBLIC_URL": environment.public_url.rstrip("/"),
        "FLOWER_URL": environment.flower_url.rstrip("/"),
        **_metrics(environment),
        "STAFF_NEEDS_TOTP": environment.staff_needs_totp,
        "CLUSTER_CALLS_PER_SECOND": environment.cluster_calls_per_second,
        "CRASH_POINT": environment.dbaas_crash,
        "TRUSTED_PROXIES": _listed(environment.trusted_proxies),
        "MAX_OPERATIONS_IN_DISPATCH": environment.max_operations_in_dispatch,
        "MAX_OPERATIONS_PER_TENANT_IN_DISPATCH": environment.max_operations_per_tenant_in_dispatch,
        "STATIC_ROOT": _static_root(environment.dbaas_data_dir),
        **_webhooks(environment),
    }


def _metrics(environment: Environment) -> dict[str, Any]:
    return {
        "PROMETHEUS_URL": environment.prometheus_url.rstrip("/"),
        "METRICS_PORT": environment.metrics_port,
        "METRICS_ADDRESS": environment.metrics_address,
        "METRICS_CACHE_SECONDS": environment.metrics_cache_seconds,
    }


def _webhooks(environment: Environment) -> dict[str, Any]:
    return {
        "WEBHOOKS_PER_TENANT": environment.webhooks_per_tenant,
        "WEBHOOK_ALLOWED_NETWORKS": _listed(environment.webhook_allowed_networks),
        "WEBHOOK_ALLOW_LOOPBACK": environment.webhook_allow_loopback,
        "WEBHOOK_CA_PATH": environment.webhook_ca_path,
        "WEBHOOK_DENIED_NETWORKS": _listed(environment.webhook_denied_networks),
        "WEBHOOK_RETENTION_DAYS": environment.webhook_retention_days,
    }


def _rate_limits(environment: Environment) -> dict[str, int]:
    """Return how many requests a minute, by dbaas.api.rate_limits.rates.Rate."""
    return {
        "reads": environment.rate_limit_reads_per_minute,
        "writes": environment.rate_limit_writes_per_minute,
        "credentials": environment.rate_limit_credentials_per_minute,
        "logins": environment.rate_limit_logins_per_minute,
        "anonymous": environment.rate_limit_anonymous_per_minute,
    }


def _shared_by(broker_url: str) -> str:
    """Return the broker's URL if it is a server that can count; each process counts alone otherwise."""
    return broker_url if broker_url.startswith(("redis://", "rediss://")) else ""


def _static_root(data_dir: Path) -> Path:
    return data_dir / "static"


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
