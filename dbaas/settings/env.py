"""Read the environment once, typed, and say everything that is wrong with it at once.

Every name can be given as NAME or as NAME_FILE (the path of a file that holds the value, as Docker and Kubernetes mount secrets), and a
value can be a reference to a secret store (dbaas.settings.secret_sources).
On a laptop the launcher writes what it chose to DBAAS_DATA_DIR/dbaas.env, so that any `manage.py` command in another terminal sees the
same; real variables win over that file.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from dbaas.settings.secret_sources import with_secrets

DEVELOPMENT_SECRET = "development-only-secret-that-production-refuses"  # noqa: S105 -- its purpose is to be recognised and refused
_LEAST_KEY_CHARS = 32
ROOT = Path(__file__).resolve().parent.parent.parent


def data_dir_from(environ: Mapping[str, str]) -> Path:
    """Return the folder that holds everything the product keeps on this machine (DBAAS_DATA_DIR, by default `var/` in the checkout)."""
    return Path(environ.get("DBAAS_DATA_DIR") or ROOT / "var").resolve()


class Environment(BaseSettings):
    """Every variable that the product reads, with its type, unit and default; no default means that it must be given."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    dbaas_data_dir: Path = Field(default_factory=lambda: data_dir_from(os.environ))
    dbaas_crash: str | None = None
    """Tests only: see dbaas.core.crash."""

    alive_dir: Path = Field(default_factory=lambda: data_dir_from(os.environ) / "alive")
    """Where workers leave a mark when they have completed a task; `dbaas.processes alive` looks there."""

    secret_key: str = Field(min_length=32)
    jwt_signing_key: str = Field(min_length=32)
    """Separated by commas, newest first: the first signs access and refresh tokens, the others still verify what they signed."""
    api_key_pepper: str = Field(min_length=32)
    """Goes into the hash of every API key: a stolen table alone cannot be searched for keys."""
    encryption_keys: str
    """Separated by commas, newest first: the first encrypts what must be stored, the others still read what they encrypted."""

    database_url: str = ""
    """sqlite:///PATH, postgresql://..., or mongodb://.../NAME; by default SQLite under the data folder."""
    database_pool_size: int = Field(default=4, ge=1, le=200)
    """Connections that one process may hold to PostgreSQL."""
    allow_sqlite_in_production: bool = False
    broker_url: str
    """redis://[:password@]host:port/db"""

    allowed_hosts: str = "127.0.0.1,localhost"
    csrf_trusted_origins: str = ""
    cors_allowed_origins: str = ""
    """https://..., comma-separated: origins whose pages may call the API and read its answers; none, unless told otherwise."""
    public_url: str = "http://127.0.0.1:8000"
    flower_url: str = "http://127.0.0.1:5555"
    prometheus_url: str = ""
    """http(s)://... of the Prometheus that scrapes the clusters; without one metrics show the present moment only."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Where a worker or watcher shows its counters to a Prometheus of our own; 0: nowhere."""
    metrics_address: str = "127.0.0.1"
    metrics_cache_seconds: int = Field(default=10, ge=0, le=300)
    """For how long /metrics repeats what it read from the metadata database."""
    trusted_proxies: str = ""
    """Addresses or networks, comma-separated, whose X-Forwarded-For is believed; the audit log and login limits see the address behind."""
    behind_tls_proxy: bool = True
    """Production: the proxy in front sets X-Forwarded-Proto; plain HTTP is redirected."""

    open_registration: bool = True
    """False: accounts are made by invitation only, so that nobody can find out which addresses have one."""
    email_url: str = ""
    """smtp://user:password@host:587 (STARTTLS), smtps://user:password@host:465, or console: (into the log; laptops)."""
    mail_from: str = "dbaas@localhost"

    access_token_minutes: int = Field(default=10, ge=1, le=60)
    refresh_token_days: int = Field(default=7, ge=1, le=90)

    rate_limit_url: str = ""
    """redis://... that counts requests for all processes; by default the broker's."""
    rate_limit_reads_per_minute: int = Field(default=6000, ge=0, le=1_000_000)
    """Of one API key, or of one person's sessions. 0 in this and the next four: no limit."""
    rate_limit_writes_per_minute: int = Field(default=1200, ge=0, le=1_000_000)
    rate_limit_credentials_per_minute: int = Field(default=30, ge=0, le=1_000_000)
    """Of one person, with all their API keys."""
    rate_limit_logins_per_minute: int = Field(default=60, ge=0, le=1_000_000)
    """Of one address; accounts.login_limits is stricter about wrong passwords."""
    rate_limit_anonymous_per_minute: int = Field(default=600, ge=0, le=1_000_000)
    """Of one address: requests without valid credentials."""

    audit_retention_days: int = Field(default=0, ge=0, le=36_500)
    """After how many days audit events are removed; 0 keeps them for ever."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"
    staff_needs_totp: bool = False
    """True: nobody gets into the admin without a second factor."""

    lease_seconds: int = Field(default=60, ge=30, le=600)
    """For how long a worker has an operation to itself. After it was killed, its operations go on when this has passed."""
    cluster_calls_per_second: int = Field(default=20, ge=1, le=10_000)
    """What one process asks of one cluster's API at the most; twice as many at once after a pause."""
    max_operations_in_dispatch: int = Field(default=200, ge=1, le=5000)
    """Due operations that one dispatcher tick publishes at most."""
    max_operations_per_tenant_in_dispatch: int = Field(default=50, ge=1, le=5000)
    """How many of those may belong to one tenant, so that nobody can fill the queue alone."""

    webhook_denied_networks: str = ""
    """Networks, comma-separated, that no webhook may lead to besides those that are not public: those of pods and services."""
    webhook_allowed_networks: str = ""
    """Private networks, comma-separated, that webhooks may lead to all the same."""
    webhook_allow_loopback: bool = False
    """Laptops and tests: webhooks may lead to this machine, and without TLS. Production refuses it."""
    webhook_ca_path: str = ""
    """File with certificates of further authorities that webhooks' servers may have theirs from (PEM)."""
    webhook_retention_days: int = Field(default=30, ge=1, le=3650)
    """For how long the log of deliveries is kept."""
    webhooks_per_tenant: int = Field(default=10, ge=1, le=1000)

    @field_validator("webhook_denied_networks", "webhook_allowed_networks")
    @classmethod
    def _networks(cls, networks: str) -> str:
        try:
            list(map(ip_network, filter(None, map(str.strip, networks.split(",")))))
        except ValueError as error:
            raise ValueError("must be networks such as 10.0.0.0/8, separated by commas") from error
        return networks

    @field_validator("encryption_keys", "jwt_signing_key")
    @classmethod
    def _long_keys(cls, keys: str) -> str:
        if any(len(key.strip()) < _LEAST_KEY_CHARS for key in keys.split(",")):
            raise ValueError(f"every key should have at least {_LEAST_KEY_CHARS} characters")
        return keys

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url and not url.startswith(("sqlite:", "postgres:", "postgresql:", "mongodb:", "mongodb+srv:")):
            raise ValueError("must start with sqlite:, postgresql: or mongodb:")
        return url

    @field_validator("email_url")
    @classmethod
    def _known_mail(cls, url: str) -> str:
        if url and not url.startswith(("smtp://", "smtps://", "console:")):
            raise ValueError("must start with smtp://, smtps:// or console:")
        return url

    @field_validator("prometheus_url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read variables first, then files that NAME_FILE points at, then the data folder's dbaas.env."""
        del dotenv_settings, file_secret_settings
        dotenv = DotEnvSettingsSource(settings_cls, env_file=data_dir_from(os.environ) / "dbaas.env")
        given = (env_settings, _NamedFiles(settings_cls), dotenv)
        return init_settings, *(_References(settings_cls, source) for source in given)


class _References(PydanticBaseSettingsSource):
    """Values that refer to a secret store are replaced by what it holds."""

    def __init__(self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._source = source

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        return with_secrets(self._source())


class _NamedFiles(PydanticBaseSettingsSource):
    """NAME_FILE=/run/secrets/x gives NAME the file's content, without the line end."""

    def get_field_value(self, field: object, field_name: str) -> tuple[str | None, str, bool]:
        del field
        path = os.environ.get(f"{field_name.upper()}_FILE")
        return (Path(path).read_text(encoding="utf-8").rstrip("\r\n") if path else None), field_name, False

    def __call__(self) -> dict[str, str]:
        values = (
            (name, self.get_field_value(field, name)[0]) for name, field in self.settings_cls.model_fields.items()
        )
        return {name: value for name, value in values if value is not None}


def read_environment(**defaults: str) -> Environment:
    """Return the environment; `defaults` stand in for names that are not given (development and test only).

    Raises: ImproperlyConfigured — one sentence per name that is missing or wrong, all of them at once, never with the value.
    """
    given = {name: value for name, value in defaults.items() if not _is_given(name)}
    try:
        return Environment(**given)  # type: ignore[arg-type] # pydantic parses the text
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}." for item in error.errors()]
        raise ImproperlyConfigured("The environment is not complete:\n  " + "\n  ".join(problems)) from None
    except OSError as error:
        raise ImproperlyConfigured(f"A file that the environment names cannot be read: {error}.") from error


def _is_given(name: str) -> bool:
    upper = name.upper()
    if upper in os.environ or f"{upper}_FILE" in os.environ:
        return True
    dotenv = data_dir_from(os.environ) / "dbaas.env"
    return dotenv.is_file() and any(
        line.startswith(f"{upper}=") for line in dotenv.read_text(encoding="utf-8").splitlines()
    )
