"""The file dbaas.env: secrets made once and kept, addresses written anew at each start. Mode 0600."""

import os
import secrets
from pathlib import Path

from laptop.layout import HOST, Layout

_KEPT = ("SECRET_KEY", "JWT_SIGNING_KEY", "API_KEY_PEPPER", "ENCRYPTION_KEYS", "BROKER_PASSWORD", "ADMIN_PASSWORD")
ADMIN_EMAIL = "admin@example.com"


def write_environment(layout: Layout) -> dict[str, str]:
    """Write the file and return what it holds; secrets that an earlier start made stay as they are."""
    held = read_environment(layout.environment_file)
    values = {name: held.get(name) or secrets.token_urlsafe(32) for name in _KEPT}
    values |= {
        "BROKER_URL": f"redis://:{values['BROKER_PASSWORD']}@{HOST}:{layout.broker_port}/0",
        "PUBLIC_URL": layout.web_url,
        "FLOWER_URL": layout.flower_url,
        "CSRF_TRUSTED_ORIGINS": layout.web_url,
        "CLUSTER_CALLS_PER_SECOND": "200",
        "WEBHOOK_ALLOW_LOOPBACK": "true",
    }
    descriptor = os.open(layout.environment_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("# Written by the launcher; variables of the real environment win over it.\n")
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    return values


def read_environment(path: Path) -> dict[str, str]:
    """Return what the file holds; nothing where there is none."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
