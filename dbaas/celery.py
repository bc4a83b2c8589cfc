"""The Celery application. Its configuration is in dbaas.settings.queues; what a message means is in provisioning.tasks."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_postrun, worker_process_init

from dbaas.liveness import Mark

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.development")


def _configuration() -> dict[str, Any]:
    """Return the settings' part for Celery, read only when Celery is first used."""
    from django.conf import settings

    return settings.CELERY


app = Celery("dbaas")
app.add_defaults(_configuration)
app.autodiscover_tasks(["provisioning", "webhooks"])


def load_transport() -> None:
    """Import what publishing needs, so that the first request that publishes does not wait for it (0.7 s); opens no connection."""
    app.connection_for_write().get_transport_cls()


_marks: dict[str, Mark] = {}


@task_postrun.connect
def _leave_mark(task: Any = None, **_: object) -> None:
    """Let the probe see that this worker completes tasks."""
    from django.conf import settings

    worker = str(task.request.hostname or "")
    if worker:
        _marks.setdefault(worker, Mark(settings.ALIVE_DIR, worker)).leave()


@worker_process_init.connect
def _arm_crash_points(**_: object) -> None:
    """Let a test kill this very process at a named point; without the setting it does nothing."""
    from django.conf import settings

    from dbaas.core.crash import arm_from_environment

    arm_from_environment(settings.CRASH_POINT)
