"""Settings as a fresh process sees them, in an environment that holds only what the test gives."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dbaas.settings.env import Environment

ROOT = Path(__file__).resolve().parents[3]
SECRETS = {
    name: f"{name}-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF"
    for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "API_KEY_PEPPER", "ENCRYPTION_KEYS")
}
ENOUGH = {
    **SECRETS,
    "DATABASE_URL": "postgresql://dbaas:canary-db@127.0.0.1:1/dbaas",
    "BROKER_URL": "redis://:canary-broker@127.0.0.1:1/0",
    "ALLOWED_HOSTS": "dbaas.example.com",
}
"""What production needs at least."""

Given = Callable[..., None]
Ran = subprocess.CompletedProcess[str]
Python = Callable[..., Ran]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Given:
    """Set these variables in this very process; of those that the product reads no others are set."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.setenv("DBAAS_DATA_DIR", str(tmp_path))

    def give(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return give


def run_python(*arguments: str, settings: str = "production", environment: dict[str, str]) -> Ran:
    """Run Python with these arguments and these variables only."""
    given = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": f"dbaas.settings.{settings}", **environment}
    line = [sys.executable, *arguments]
    return subprocess.run(line, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Run Python with these arguments; what the environment holds is for the test to say, except for the data folder."""

    def run(*arguments: str, **variables: str) -> Ran:
        return run_python(*arguments, environment={"DBAAS_DATA_DIR": str(tmp_path), **variables})

    return run
