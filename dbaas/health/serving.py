"""Show the counters of a process that answers no requests, such as a worker, on a port of its own.

Not the gauges that are read from the metadata database: the web process shows those, once.
"""

from django.conf import settings
from prometheus_client import start_http_server

from dbaas.health.metrics import counted


def serve_counters() -> bool:
    """Answer any GET on METRICS_PORT with this process's counters, or those of all that share its folder; False where none is set."""
    if not settings.METRICS_PORT:
        return False
    start_http_server(settings.METRICS_PORT, addr=settings.METRICS_ADDRESS, registry=counted())
    return True
