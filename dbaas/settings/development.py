"""A laptop: everything has a default; the launcher's dbaas.env supplies real secrets and the ports that it chose."""

import sys

from dbaas.settings.base import *  # noqa: F403 -- this is how Django settings are composed
from dbaas.settings.base import settings_from
from dbaas.settings.env import DEVELOPMENT_SECRET, read_environment
from dbaas.settings.queues import only_publishes

_environment = read_environment(
    secret_key=DEVELOPMENT_SECRET,
    jwt_signing_key=DEVELOPMENT_SECRET,
    api_key_pepper=DEVELOPMENT_SECRET,
    encryption_keys=DEVELOPMENT_SECRET,
    broker_url="redis://127.0.0.1:6379/0",
    email_url="console:",
)
globals().update(settings_from(_environment, is_publisher=only_publishes(sys.argv[0])))
