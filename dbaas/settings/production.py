"""Servers: nothing that matters has a default, and what is only fit for a laptop is refused."""

import sys

from django.core.exceptions import ImproperlyConfigured

from dbaas.settings.base import *  # noqa: F403 -- this is how Django settings are composed
from dbaas.settings.base import settings_from
from dbaas.settings.env import DEVELOPMENT_SECRET, Environment, read_environment
from dbaas.settings.queues import only_publishes


def _refusals(environment: Environment) -> list[str]:
    secrets = {
        "SECRET_KEY": environment.secret_key,
        "JWT_SIGNING_KEY": environment.jwt_signing_key,
        "API_KEY_PEPPER": environment.api_key_pepper,
        "ENCRYPTION_KEYS": environment.encryption_keys,
    }
    found = [
        f"{name} is the development default: set a random one."
        for name, value in secrets.items()
        if DEVELOPMENT_SECRET in value
    ]
    if len(set(secrets.values())) < len(secrets):
        found.append("SECRET_KEY, JWT_SIGNING_KEY, API_KEY_PEPPER and ENCRYPTION_KEYS must differ from each other.")
    if not environment.allow_sqlite_in_production and environment.database_url.partition(":")[0] in ("", "sqlite"):
        found.append("DATABASE_URL is SQLite: name a PostgreSQL or MongoDB, or set ALLOW_SQLITE_IN_PRODUCTION=true.")
    if environment.webhook_allow_loopback:
        found.append("WEBHOOK_ALLOW_LOOPBACK is for laptops: customers could make the product call itself.")
    return found


_environment = read_environment(log_format="json")
if _problems := _refusals(_environment):
    raise ImproperlyConfigured("Production settings refuse to start:\n  " + "\n  ".join(_problems))

globals().update(settings_from(_environment, is_publisher=only_publishes(sys.argv[0])))

WHITENOISE_USE_FINDERS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
SECURE_SSL_REDIRECT = _environment.behind_tls_proxy
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _environment.behind_tls_proxy else None
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
