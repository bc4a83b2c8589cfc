"""Installs the catalogue of versions that databases may name, as KubeDB's chart does beside its operator.

The versions stand in `catalogue.yaml`. A version that is there already, changed or not, is left alone.
"""

import asyncio
import logging
from pathlib import Path

import yaml

from devcluster.operator.kube import ApiError, Body, ConflictError, Kube
from devcluster.operator.resources import Resource, version_resource

logger = logging.getLogger(__name__)

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
RETRY_SECONDS = 1.0
AT_ONCE = 8
AUTH_PLUGINS = {"ElasticStack": "X-Pack", "OpenSearch": "OpenSearch", "SearchGuard": "SearchGuard"}


async def install(kube: Kube) -> None:
    """Create the versions that are missing, as soon as the API server answers."""
    rows: dict[str, dict[str, list[str]]] = await asyncio.to_thread(lambda: yaml.safe_load(CATALOGUE.read_text()))
    while True:
        try:
            for kind, versions in rows.items():
                await _install_kind(kube, kind, versions)
        except ApiError as error:
            logger.warning("catalogue: %s; again in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def _install_kind(kube: Kube, kind: str, versions: dict[str, list[str]]) -> None:
    resource = version_resource(kind)
    present = {body["metadata"]["name"] for body in await kube.list_all(resource)}
    missing = [build(kind, name, row) for name, row in versions.items() if name not in present]
    for first in range(0, len(missing), AT_ONCE):
        await asyncio.gather(*(_create(kube, resource, body) for body in missing[first : first + AT_ONCE]))
    if missing:
        logger.info("catalogue: installed %d versions of %s", len(missing), kind)


async def _create(kube: Kube, resource: Resource, body: Body) -> None:
    try:
        await kube.create(resource, body)
    except ConflictError:
        return  # somebody else was quicker


def build(kind: str, name: str, row: list[str]) -> Body:
    """Build a version object from a row of the table."""
    version, distribution, ended, allowed = row[:4]
    image = {"image": f"{kind.lower()}:{name}"}
    spec: Body = {
        "version": version,
        "distribution": distribution,
        "endOfLife": bool(ended),
        "db": dict(image),
        "coordinator": {"image": f"{kind.lower()}-coordinator"},
        "exporter": {"image": f"{kind.lower()}-exporter"},
        "initContainer": {"image": f"{kind.lower()}-init", "yqImage": "yq"},
        "podSecurityPolicies": {"databasePolicyName": f"{kind.lower()}-db"},
        "updateConstraints": _constraints(kind, allowed),
    }
    spec |= _particulars(kind, distribution)
    if "router" in row[4:]:
        spec["router"] = {"image": f"mysql-router:{version}"}
    resource = version_resource(kind)
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}, "spec": spec}


def _constraints(kind: str, allowed: str) -> Body:
    entries = [allowed] if allowed else []
    if kind == "MySQL":
        return {"allowlist": {"standalone": entries, "groupReplication": entries}}
    return {"allowlist": entries}


def _particulars(kind: str, distribution: str) -> Body:
    if kind == "Postgres":
        return {"db": {"image": "postgres", "baseOS": "alpine"}, "securityContext": {"runAsUser": 70}}
    if kind == "MongoDB":
        return {"replicationModeDetector": {"image": "replication-mode-detector"}}
    if kind == "Elasticsearch":
        return {"authPlugin": AUTH_PLUGINS[distribution]}
    return {}
