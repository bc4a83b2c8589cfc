"""One database per engine that is led through every operation, and what its sources say of it after each: API, custom resource, server."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import redis

from dbaas.core.ids import uuid7
from provisioning.engine import Engine, Version
from provisioning.sizes import Resources
from tests.devcluster.kubectl import run as kubectl
from tests.e2e.system import Customer, Json, System

CHANGING_BY_ITSELF = {"etag", "updated_at", "active_operation", "endpoint"}
PHASES = {"ready": "Ready", "paused": "Halted"}


@dataclass
class Course:
    """A database on its way through every operation."""

    system: System
    customer: Customer
    engine: Engine
    database: Json = field(default_factory=dict)
    backup: Json = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Return the database's route."""
        return f"/api/v1/databases/{self.database['id']}"

    @property
    def version(self) -> Version:
        """Return the newest version from which there is a way on."""
        offered = [one for one in self.engine.versions if not (one.deprecated or one.end_of_life)]
        default = self.engine.version(self.engine.default_version)
        assert default is not None
        able = [one for one in offered if one.distribution == default.distribution and self.engine.upgrades(one.name)]
        return default if default in able else max(able, key=lambda one: one.number_parts)

    @property
    def next_version(self) -> Version:
        """Return the nearest version to which it can go."""
        return min(self.engine.upgrades(self.version.name), key=lambda one: one.number_parts)

    @property
    def setting(self) -> tuple[str, str | int]:
        """Return the engine's first parameter with a value that is allowed."""
        first = self.engine.changes.parameters[0]
        return first.name, first.allowed[0] if first.allowed else max(first.minimum or 0, 90)

    def send(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        """Send a request and return whatever comes."""
        return self.customer.api.request(method, path, json=body)

    def verb(self, verb: str, **body: Any) -> httpx.Response:
        """Ask for a change of the database."""
        return self.send("POST", f"{self.path}/{verb}", body)

    def order(self, **fields: Any) -> httpx.Response:
        """Order a database."""
        return self.send("POST", "/api/v1/databases", {"tenant": self.customer.tenant["id"], **fields})

    def read(self) -> Json:
        """Return the database as the API shows it now."""
        return self.customer.checked(self.send("GET", self.path))

    def custom_resource(self) -> Json | None:
        """Return the database's object, or None where there is none."""
        namespace = self.customer.tenant["namespace"]
        listed = kubectl(self.system.kubeconfig, "get", self.engine.kind, "-n", namespace, "-o", "json")
        found: list[Json] = json.loads(listed)["items"]
        assert len(found) <= 1
        return found[0] if found else None


def require_agreement(course: Course) -> None:
    """See that API, quota, custom resource and server say the same of the database."""
    shown, body = course.read(), course.custom_resource()
    if shown["status"] == "deleted":
        assert (body, set(course.customer.quota().values())) == (None, {0})
        return
    assert body is not None
    resources = Resources(**{name: shown[name] for name in ("cpu_millicores", "memory_mib", "storage_gib")})
    held = course.engine.changes.read(body["spec"], shown["topology"])
    assert (held.version, dict(held.topology), held.resources) == (shown["version"], shown["topology"], resources)
    assert body["status"]["phase"] == shown["phase"] == PHASES[shown["status"]]
    taken = course.engine.footprint(shown["topology"], resources)
    used = {
        "databases": 1,
        "cpu_millicores": taken.cpu_millicores,
        "memory_mib": taken.memory_mib,
        "storage_gib": taken.storage_gib,
    }
    assert used.items() <= course.customer.quota().items()
    if shown["status"] == "ready" and not shown["simulated"]:
        require_server(course, shown)


def require_server(course: Course, shown: Json) -> None:
    """See that the server lets us in and has the settings that are shown."""
    uri = course.customer.credentials(shown)["uri"]
    for name, value in shown["parameters"].items():
        assert SETTINGS[course.engine.name](uri, name) == value
    assert SETTINGS[course.engine.name](uri, course.engine.changes.parameters[0].name)


def postgres_setting(uri: str, name: str) -> str:
    """Return what the server has."""
    with psycopg.connect(uri, connect_timeout=5) as connection:
        return str((connection.execute("SELECT current_setting(%s)", [name]).fetchone() or ("",))[0])


def redis_setting(uri: str, name: str) -> str:
    """Return what the server has."""
    with redis.Redis.from_url(uri, socket_timeout=5) as client:
        return str(client.config_get(name)[name])


SETTINGS: Mapping[str, Callable[[str, str], str]] = {"postgres": postgres_setting, "redis": redis_setting}


@dataclass(frozen=True, kw_only=True)
class Case:
    """An operation that succeeds with what is then shown, and a request for it that must change nothing."""

    succeeds: Callable[[Course], httpx.Response]
    shows: Callable[[Course], Json] = lambda _course: {}
    refused: Callable[[Course], httpx.Response]


NOBODY = str(uuid7())


def _protected_delete(course: Course) -> httpx.Response:
    course.send("PATCH", course.path, {"deletion_protection": True}).raise_for_status()
    answer = course.send("DELETE", course.path)
    course.send("PATCH", course.path, {"deletion_protection": False}).raise_for_status()
    return answer


def _delete_latest_backup(course: Course) -> httpx.Response:
    course.backup = course.customer.backups(course.database)[0]
    return course.send("DELETE", f"/api/v1/backups/{course.backup['id']}")


def _order(course: Course) -> httpx.Response:
    return course.order(name="agreed", engine=course.engine.name, version=course.version.name, plan="small")


POLICY = {"schedule": "0 2 * * *", "keep_last": 3}

CASES: Mapping[str, Case] = {
    "provision": Case(
        succeeds=_order,
        shows=lambda course: {"version": course.version.name, "plan": "small"},
        refused=_order,
    ),
    "scale": Case(
        succeeds=lambda course: course.verb("scale", plan="medium", storage_gib=11),
        shows=lambda _: {"plan": "medium", "storage_gib": 11},
        refused=lambda course: course.verb("scale", storage_gib=5),
    ),
    "reconfigure": Case(
        succeeds=lambda course: course.verb("reconfigure", parameters=dict([course.setting])),
        shows=lambda course: {"parameters": {course.setting[0]: str(course.setting[1])}},
        refused=lambda course: course.verb("reconfigure", parameters={"no_such_setting": 1}),
    ),
    "restart": Case(
        succeeds=lambda course: course.verb("restart"),
        refused=lambda course: course.send("POST", f"/api/v1/databases/{NOBODY}/restart", {}),
    ),
    "rotate_credentials": Case(
        succeeds=lambda course: course.verb("rotate-credentials"),
        refused=lambda course: course.send("POST", f"/api/v1/databases/{NOBODY}/rotate-credentials", {}),
    ),
    "backup_policy": Case(
        succeeds=lambda course: course.send("PUT", f"{course.path}/backup-policy", POLICY),
        refused=lambda course: course.send("PUT", f"{course.path}/backup-policy", {**POLICY, "schedule": "never"}),
    ),
    "backup": Case(
        succeeds=lambda course: course.verb("backup"),
        refused=lambda course: course.verb("backup", note=["not", "a", "text"]),
    ),
    "restore": Case(
        succeeds=lambda course: course.verb("restore", safety_backup=False),
        refused=lambda course: course.verb("restore", backup=NOBODY),
    ),
    "upgrade": Case(
        succeeds=lambda course: course.verb("upgrade", version=course.next_version.name),
        shows=lambda course: {"version": course.next_version.name},
        refused=lambda course: course.verb("upgrade", version="0.0.1"),
    ),
    "delete_backup": Case(
        succeeds=_delete_latest_backup,
        refused=lambda course: course.send("DELETE", f"/api/v1/backups/{course.backup['id']}"),
    ),
    "pause": Case(
        succeeds=lambda course: course.verb("pause"),
        shows=lambda _: {"status": "paused", "endpoint": None},
        refused=lambda course: course.verb("pause"),
    ),
    "resume": Case(
        succeeds=lambda course: course.verb("resume"),
        shows=lambda _: {"status": "ready"},
        refused=lambda course: course.verb("resume"),
    ),
    "delete": Case(
        succeeds=lambda course: course.send("DELETE", f"{course.path}?backups=delete"),
        shows=lambda _: {"status": "deleted"},
        refused=_protected_delete,
    ),
}
"""In the order in which one database can go through them."""
