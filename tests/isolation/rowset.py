"""Everything that the metadata database holds, so that two requests can be compared by what they left behind."""

import re
from typing import Any

from django.apps import apps
from django.db.models import Model

_APPS = ("accounts", "tenants", "provisioning", "webhooks")
_VARIES = {
    *("fingerprint", "digest", "object_name", "last_login", "request_id"),
    *("secret", "old_secret", "secret_hash", "prefix", "password"),
}
_RANDOM = re.compile(r"(?<='prefix': ')\w+")
_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^'\"\s]*")


def contents(known: dict[str, str]) -> list[str]:
    """Return every row as a line of text: ids that are `known` by their name, other ids and moments as stars."""
    models = [model for name in _APPS for model in apps.get_app_config(name).get_models()]
    return sorted(line for model in models for line in _rows(model, known))


def _rows(model: type[Model], known: dict[str, str]) -> list[str]:
    return [f"{model.__name__} {_told(row, known)}" for row in model._default_manager.values()]


def _told(row: dict[str, Any], known: dict[str, str]) -> str:
    kept = {name: str(value) for name, value in row.items() if name not in _VARIES}
    text = _ID.sub(
        lambda match: known.get(match[0], "*"), "; ".join(f"{name}={value}" for name, value in sorted(kept.items()))
    )
    text = _RANDOM.sub("*", text)
    return _MOMENT.sub("*", text)
