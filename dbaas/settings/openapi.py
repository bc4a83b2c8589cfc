"""How the OpenAPI document presents itself."""

SPECTACULAR = {
    "TITLE": "DBaaS API",
    "DESCRIPTION": (
        "Managed PostgreSQL, MySQL, MongoDB, Redis and Elasticsearch on Kubernetes.\n\n"
        "Work that takes time answers **202** with an *operation*; follow its `Location` until its state is `succeeded`, `failed` or `cancelled`. "
        "Errors are RFC 9457 problem documents with a stable `code`. Lists are paged by cursor."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SORT_OPERATION_PARAMETERS": False,
}
