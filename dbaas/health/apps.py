"""Health as a Django application of its own: it must answer when nothing else does."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    """Liveness, start-up and readiness."""

    name = "dbaas.health"
    label = "dbaas_health"
    verbose_name = "Health"

    def ready(self) -> None:
        """Register the one check that belongs to nobody else."""
        from dbaas.health import checks

        checks.register("database", checks.metadata_database, required=True)
