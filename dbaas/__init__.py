"""The wiring: settings, URLs, Celery. Importing it makes the Celery application the current one, as Celery's Django guide has it."""

from dbaas.celery import app as celery_app

__all__ = ["celery_app"]
