"""Health as a Django application of its own: it must answer when nothing else does."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    """Liveness, start-up and readiness."""

    name = "dbaas.health"
    label = "dbaas_health"
    verbose_name = "Health"
