"""The Celery application. Its configuration is in dbaas.settings.queues; what a message means is in provisioning.tasks."""

import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.development")

app = Celery("dbaas")
app.config_from_object("django.conf:settings", namespace="CELERY_APP", force=False)


@app.on_configure.connect
def _read_settings(sender: Celery, **_: object) -> None:
    from django.conf import settings

    sender.conf.update(settings.CELERY)


app.autodiscover_tasks(["provisioning"])


@worker_process_init.connect
def _arm_crash_points(**_: object) -> None:
    """Let a test kill this very process at a named point; without the setting it does nothing."""
    from django.conf import settings

    from dbaas.core.crash import arm_from_environment

    arm_from_environment(settings.CRASH_POINT)
