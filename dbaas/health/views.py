"""Health routes: plain Django views, because they must answer when the rest does not."""

from dataclasses import dataclass

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dbaas.health import checks
from dbaas.health.startup import require_started

_OK = "ok"
_DEGRADED = "degraded"
_FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class _Health:
    status: str
    http_status: int
    results: list[checks.Result]


@require_safe
@never_cache
def live(_request: HttpRequest) -> JsonResponse:
    """Answer: this process runs. Nothing else is asked, so that a broken dependency does not restart every process that needs it."""
    return JsonResponse({"status": _OK})


@require_safe
@never_cache
def startup(_request: HttpRequest) -> JsonResponse:
    """Answer whether the schema is ours and a rollback rolls back."""
    error = checks.error_of(require_started, "startup")
    return JsonResponse({"status": _FAILED, "error": error} if error else {"status": _OK}, status=503 if error else 200)


@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """Answer with every check and its latency: 503 if a required one fails, 200 and `degraded` if another does."""
    health = _health()
    shown = {result.name: _shown(result) for result in health.results}
    return JsonResponse({"status": health.status, "checks": shown}, status=health.http_status)


@require_safe
@never_cache
def summary(_request: HttpRequest) -> JsonResponse:
    """Answer in one word per dependency."""
    health = _health()
    words = {result.name: _OK if result.is_ok else _FAILED for result in health.results}
    return JsonResponse({"status": health.status, **words}, status=health.http_status)


def _health() -> _Health:
    results = checks.run_all()
    if any(not result.is_ok and result.is_required for result in results):
        return _Health(status=_FAILED, http_status=503, results=results)
    status = _OK if all(result.is_ok for result in results) else _DEGRADED
    return _Health(status=status, http_status=200, results=results)


def _shown(result: checks.Result) -> dict[str, object]:
    return {
        "status": _OK if result.is_ok else _FAILED,
        "required": result.is_required,
        "latency_ms": result.latency_ms,
        "error": result.error,
    }
