"""The web process: Granian (or any WSGI server) serves `application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from dbaas.celery import load_transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.development")
application = get_wsgi_application()
if settings.TRUSTED_PROXIES:
    application = wrap_wsgi_with_proxy_headers(application, trusted_hosts=settings.TRUSTED_PROXIES)
load_transport()
