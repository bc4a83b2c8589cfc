"""Curves from a Prometheus that scrapes the cluster. Queries are built from our own object names; nothing of a request gets into one.

Source of the names: KubeDB's Grafana dashboards, kube-state-metrics, cAdvisor and kubelet.
"""

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import urllib3

from dbaas.core.errors import Transient
from provisioning.metric_names import MetricNames, Series
from provisioning.metrics.catalogue import Curve, Curves, Point, difference, summed
from provisioning.metrics.window import Window

QUERY_SECONDS = 5.0
ALL_QUERIES_SECONDS = 12.0
"""What a request may take in all, so that a slow Prometheus cannot hold our threads."""
SHORTEST_RATE_SECONDS = 120
"""Four scrapes at the usual 30 s: with fewer a rate has holes."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_OUR_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_MIB, _GIB = 2**20, 2**30
_OK = 200


class MetricsUnavailable(Transient):
    """The source of metrics does not answer as it should: try again in a minute."""

    code = "metrics.unavailable"


class Prometheus:
    """A client of one server's query API."""

    def __init__(self, url: str) -> None:
        """Remember where it is; nothing is opened before the first query."""
        self._url = url
        self._pool = urllib3.PoolManager(retries=False, maxsize=4)

    def curves(self, *, namespace: str, object_name: str, names: MetricNames, window: Window) -> Curves:
        """Return all curves of one database.

        Raises: MetricsUnavailable.
        """
        queries = _Queries(namespace, object_name, rate_seconds=max(window.step_seconds, SHORTEST_RATE_SECONDS))
        deadline = time.monotonic() + ALL_QUERIES_SECONDS
        found: dict[str, Curve] = {}
        for name, query in queries.of_pods().items():
            answer = self._ask(query, window, deadline)
            found[name] = summed({_pod_in(labels): points for labels, points in answer})
        found["storage_free_gib"] = difference(found["storage_total_gib"], found["storage_used_gib"])
        for name, query in queries.of_servers(names).items():
            answer = self._ask(query, window, deadline)
            found[name] = Curve(points=tuple(answer[0][1]) if answer else ())
        return found

    def _ask(self, query: str, window: Window, deadline: float) -> list[tuple[Mapping[str, str], list[Point]]]:
        left_seconds = min(QUERY_SECONDS, deadline - time.monotonic())
        if left_seconds <= 0:
            raise MetricsUnavailable
        asked = {
            "query": query,
            "start": f"{window.start.timestamp():.3f}",
            "end": f"{window.end.timestamp():.3f}",
            "step": str(window.step_seconds),
            "timeout": f"{left_seconds:.1f}s",
        }
        limit = urllib3.Timeout(total=left_seconds)
        address = f"{self._url}/api/v1/query_range"
        try:
            answer = self._pool.request("GET", address, fields=asked, timeout=limit, preload_content=False)
            content = answer.read(MAX_ANSWER_BYTES)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise MetricsUnavailable from error
        return _parsed(answer.status, content)


def _parsed(status: int, content: bytes) -> list[tuple[Mapping[str, str], list[Point]]]:
    """Return the series of an answer; what is none could hold anything and is not shown."""
    try:
        document = json.loads(content)
        result: Sequence[Any] = document["data"]["result"]
        if status != _OK or document["status"] != "success":
            raise MetricsUnavailable
        return [(series["metric"], list(_points(series["values"]))) for series in result]
    except (ValueError, KeyError, TypeError) as error:
        raise MetricsUnavailable from error


def _points(values: Sequence[Any]) -> list[Point]:
    pairs = ((datetime.fromtimestamp(float(at), UTC), float(text)) for at, text in values)
    return [(at, value) for at, value in pairs if math.isfinite(value)]


def _pod_in(labels: Mapping[str, str]) -> str:
    """Return the pod's name, which a claim's ends in: `data-<pod>`, `datadir-<pod>`."""
    return labels.get("pod") or labels.get("persistentvolumeclaim", "").partition("-")[2]


class _Queries:
    def __init__(self, namespace: str, object_name: str, *, rate_seconds: int) -> None:
        if not (_OUR_NAME.fullmatch(namespace) and _OUR_NAME.fullmatch(object_name)):
            raise ValueError("The name of a namespace or object is not one of ours.")
        self._pods = f'namespace="{namespace}",pod=~"{object_name}(-[a-z0-9]+)*-[0-9]+"'
        self._claims = f'namespace="{namespace}",persistentvolumeclaim=~"[a-z]+-{object_name}(-[a-z0-9]+)*-[0-9]+"'
        self._rate = f"[{rate_seconds}s]"

    def of_pods(self) -> dict[str, str]:
        """Return what the cluster says of every pod."""
        used = f'{{{self._pods},container!="",container!="POD"}}'
        return {
            "cpu_used_millicores": f"1000 * sum by (pod) (rate(container_cpu_usage_seconds_total{used}{self._rate}))",
            "cpu_limit_millicores": f"1000 * sum by (pod) ({self._limit('cpu')})",
            "memory_used_mib": f"sum by (pod) (container_memory_working_set_bytes{used}) / {_MIB}",
            "memory_limit_mib": f"sum by (pod) ({self._limit('memory')}) / {_MIB}",
            "storage_used_gib": self._volume("used"),
            "storage_total_gib": self._volume("capacity"),
        }

    def of_servers(self, names: MetricNames) -> dict[str, str]:
        """Return what the engine's exporter says, of all servers together."""
        found = {
            "connections": self._sum(names.connections),
            "connections_max": self._sum(names.connections_max),
            "operations_per_second": self._sum(names.operations, is_rate=True),
            "replication_lag_seconds": " or ".join(self._selector(one) for one in names.replication_lag_seconds),
        }
        if found["replication_lag_seconds"]:
            found["replication_lag_seconds"] = f"max({found['replication_lag_seconds']})"
        hits, misses = self._sum(names.cache_hits, is_rate=True), self._sum(names.cache_misses, is_rate=True)
        if hits and misses:
            found["cache_hit_ratio"] = f"({hits}) / (({hits}) + ({misses}))"
        return {name: query for name, query in found.items() if query}

    def _limit(self, resource: str) -> str:
        return f'kube_pod_container_resource_limits{{{self._pods},resource="{resource}"}}'

    def _volume(self, what: str) -> str:
        return f"sum by (persistentvolumeclaim) (kubelet_volume_stats_{what}_bytes{{{self._claims}}}) / {_GIB}"

    def _sum(self, series: Sequence[Series], *, is_rate: bool = False) -> str:
        selectors = (self._selector(one) for one in series)
        return " + ".join(f"sum(rate({one}{self._rate}))" if is_rate else f"sum({one})" for one in selectors)

    def _selector(self, series: Series) -> str:
        labels = "".join(f',{name}="{value}"' for name, value in sorted(series.labels.items()))
        return f"{series.name}{{{self._pods}{labels}}}"
