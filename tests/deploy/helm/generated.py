"""The chart's files that are made from others, so that nothing is told twice: `make chart` writes them, a test compares.

values.schema.json from values.yaml and the settings' own types, README.md from values.yaml, `files/` from the rest of `deploy/`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from dbaas.settings.env import Environment
from tests.deploy.commands import ROOT
from tests.deploy.helm.charted import CHART, Value, defaults, values
from tests.docs.pages import table_in, words_in

_DASHBOARDS = sorted(path.name for path in (ROOT / "deploy/grafana/dashboards").glob("*.json"))
COPIES = {
    **{f"files/dashboards/{name}": f"deploy/grafana/dashboards/{name}" for name in _DASHBOARDS},
    "files/rbac.yaml": "deploy/kubernetes/rbac.yaml",
    "files/fence-policy.yaml": "deploy/kubernetes/fence-policy.yaml",
    "files/rules.yml": "deploy/prometheus/rules.yml",
}
REQUIRED_SECRETS = (
    "SECRET_KEY",
    "JWT_SIGNING_KEY",
    "API_KEY_PEPPER",
    "ENCRYPTION_KEYS",
    "DATABASE_URL",
    "BROKER_URL",
)
OPTIONAL_SECRETS = ("EMAIL_URL", "RATE_LIMIT_URL", "VAULT_TOKEN")
FLOWER_SECRET = "FLOWER_BASIC_AUTH"
VAULT = ("VAULT_ADDR", "VAULT_NAMESPACE", "VAULT_CACERT", "VAULT_KUBERNETES_ROLE", "VAULT_KUBERNETES_TOKEN_PATH")
"""Read by the settings' secret sources, not by the settings."""
_HOST = "^$|^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
_PEERS = {"type": "array", "items": {"type": "object"}}
_EXACT: dict[str, dict[str, Any]] = {
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.digest": {"type": "string", "pattern": "^$|^sha256:[0-9a-f]{64}$"},
    "publicHost": {"type": "string", "pattern": _HOST},
    "flower.host": {"type": "string", "pattern": _HOST},
    "web.service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    **{f"{process}.antiAffinity": {"enum": ["soft", "hard", "none"]} for process in ("web", "worker", "webhooks", "watcher")},
    **{f"{process}.podDisruptionBudget.maxUnavailable": {"type": ["integer", "string"]} for process in ("web", "worker", "webhooks", "watcher")},
    **{f"networkPolicy.{name}": _PEERS for name in ("webFrom", "metricsFrom", "flowerFrom")},
    "ingress.paths": {"type": "array", "items": {"type": "string", "pattern": "^/"}},
}  # fmt: skip
_CLOSED = ("networkPolicy.egress.",)
"""Values that are mappings of ours; other mappings are Kubernetes' own, and it checks them."""
_TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


def files() -> dict[Path, str]:
    """Return the text that each of the files should have."""
    copies = {
        CHART / to: (ROOT / source).read_text(encoding="utf-8")
        for to, source in COPIES.items()
        if (ROOT / source).exists()
    }
    return {CHART / "values.schema.json": schema(), CHART / "README.md": readme(), **copies}


def schema() -> str:
    """Return the JSON Schema that Helm holds values against before it renders anything."""
    told = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart dbaas",
        **_object(defaults(), "", {value.path: value for value in values()}),
    }
    told["properties"]["global"] = {"type": "object", "description": "Helm hands it to every chart; not read here."}
    return json.dumps(told, indent=2) + "\n"


def _object(node: dict[str, Any], prefix: str, leaves: dict[str, Value]) -> dict[str, Any]:
    properties = {name: _property(f"{prefix}{name}", default, leaves) for name, default in node.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _property(path: str, default: Any, leaves: dict[str, Value]) -> dict[str, Any]:
    leaf = leaves.get(path)
    described = {"description": leaf.meaning} if leaf else {}
    if path == "config":
        return {**described, **_config()}
    if path == "secrets.values":
        return {**described, **_secrets()}
    if path in _EXACT:
        return {**described, **_EXACT[path]}
    if isinstance(default, dict) and default and (leaf is None or path.startswith(_CLOSED)):
        return {**described, **_object(default, f"{path}.", leaves)}
    least = {"minimum": 0} if type(default) is int else {}
    return {**described, "type": _TYPES[type(default)], **least}


def _config() -> dict[str, Any]:
    meanings = {words_in(row[0])[0]: row[2].replace("`", "") for row in table_in("docs/running.md", "variable")}
    known = Environment.model_json_schema()["properties"]
    properties = {
        name.upper(): {**_plain(field), "description": meanings[name.upper()]}
        for name, field in known.items()
        if name.upper() not in REQUIRED_SECRETS + OPTIONAL_SECRETS
    }
    properties |= {name: {"type": "string"} for name in VAULT}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        key: field[key] for key in ("type", "enum", "minimum", "maximum", "pattern") if key in field
    }
    return kept or {"type": "string"}


def _secrets() -> dict[str, Any]:
    names = (*REQUIRED_SECRETS, *OPTIONAL_SECRETS, FLOWER_SECRET)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"type": "string"} for name in names},
    }


def readme() -> str:
    """Return the chart's page: what stands above the table, and a row for every value."""
    above = (CHART / "README.md").read_text(encoding="utf-8").partition("| value |")[0]
    rows = [f"| `{value.path}` | `{json.dumps(value.default)}` | {value.meaning} |" for value in values()]
    return above + "\n".join(["| value | default | meaning |", "| --- | --- | --- |", *rows]) + "\n"


def main() -> int:
    """Write every file that differs and say which."""
    for path, text in files().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
