"""The web process: Granian (or any WSGI server) serves `application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.development")
application = get_wsgi_application()
