"""That the address of a caller behind a proxy is believed only where the proxy is trusted."""

import os
import subprocess
import sys

import pytest

from laptop.layout import ROOT

ASK = """
import io, sys
from dbaas.wsgi import application
environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health/live", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "10.0.0.9", "HTTP_X_FORWARDED_FOR": "198.51.100.7",
    "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http"}
list(application(environ, lambda *_: None))
print(environ["REMOTE_ADDR"])
"""


@pytest.mark.parametrize(
    ("trusted", "address"), [("", "10.0.0.9"), ("10.0.0.0/8", "198.51.100.7"), ("192.0.2.1", "10.0.0.9")]
)
def test_the_forwarded_address_is_believed_from_trusted_proxies_only(trusted: str, address: str) -> None:
    environment = {**os.environ, "TRUSTED_PROXIES": trusted, "DJANGO_SETTINGS_MODULE": "dbaas.settings.test"}

    seen = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert seen.stdout.strip() == address
