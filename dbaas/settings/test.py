"""Tests: the real database and the real code, but quick password hashes and no outside world unless a test starts one."""

import os
import tempfile
from pathlib import Path

_scratch = Path(tempfile.gettempdir()) / f"dbaas-tests-{os.getuid()}"
os.environ.setdefault("DBAAS_DATA_DIR", str(_scratch))

from dbaas.settings.base import *  # noqa: E402, F403 -- this is how Django settings are composed
from dbaas.settings.base import settings_from  # noqa: E402 -- after the data folder is set
from dbaas.settings.env import DEVELOPMENT_SECRET, read_environment  # noqa: E402 -- after the data folder is set

_environment = read_environment(
    secret_key=DEVELOPMENT_SECRET,
    jwt_signing_key=DEVELOPMENT_SECRET + "-jwt",
    api_key_pepper=DEVELOPMENT_SECRET + "-pepper",
    encryption_keys=DEVELOPMENT_SECRET + "-encryption",
    broker_url="memory://",
    log_level="WARNING",
    cluster_calls_per_second="10000",
    metrics_cache_seconds="0",
)
globals().update(settings_from(_environment))

RATE_LIMITS = dict.fromkeys(RATE_LIMITS, 0)  # noqa: F405 -- from base; hundreds of tests call from one address within a second

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
