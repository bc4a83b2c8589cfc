"""The manners of the API as a Django application, so that its commands and system checks are found."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Problem documents, paging, idempotency, ETags and the OpenAPI document."""

    name = "dbaas.api"
    label = "dbaas_api"
    verbose_name = "API"
