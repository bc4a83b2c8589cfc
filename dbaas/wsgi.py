"""The web process: Granian (or any WSGI server) serves `application`."""

import os

from django.core.wsgi import get_wsgi_application

from dbaas.celery import load_transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.development")
application = get_wsgi_application()
load_transport()
