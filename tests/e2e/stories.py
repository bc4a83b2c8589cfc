"""What the stories of databases are told with: one line per engine, rows in the servers that are real, and what a customer asks for in turn."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

from tests.e2e.system import Customer, Json

_CONNECT_SECONDS = 5


class PostgresRows:
    """Rows in a PostgreSQL."""

    refused = psycopg.OperationalError

    def write(self, uri: str, name: str) -> None:
        """Add one row."""
        with psycopg.connect(uri, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS told (name text)")
            connection.execute("INSERT INTO told VALUES (%s)", [name])

    def read(self, uri: str) -> set[str]:
        """Return the names of all rows."""
        with psycopg.connect(uri, connect_timeout=_CONNECT_SECONDS) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM told")}

    def destroy(self, uri: str) -> None:
        """Lose everything."""
        with psycopg.connect(uri, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.execute("DELETE FROM told")


class RedisRows:
    """Keys in a Redis."""

    refused = redis.AuthenticationError

    def write(self, uri: str, name: str) -> None:
        """Add one key."""
        with redis.Redis.from_url(uri, socket_timeout=_CONNECT_SECONDS) as client:
            client.set(name, "told")

    def read(self, uri: str) -> set[str]:
        """Return all keys that were written."""
        with redis.Redis.from_url(uri, socket_timeout=_CONNECT_SECONDS) as client:
            return {key.decode() for key in client.scan_iter("*") if client.get(key) == b"told"}

    def destroy(self, uri: str) -> None:
        """Lose everything."""
        with redis.Redis.from_url(uri, socket_timeout=_CONNECT_SECONDS) as client:
            client.flushall()


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is particular to one engine's story."""

    engine: str
    order: Mapping[str, Any]
    scale: Mapping[str, Any]
    upgrade_to: str
    point_in_time: bool
    rows: PostgresRows | RedisRows | None = None
    """None where the pocket cluster only plays the engine."""


STORIES = (
    Story(
        engine="postgres",
        order={"version": "17.5", "plan": "micro", "topology": {"mode": "replicated", "replicas": 2}},
        scale={"plan": "small", "storage_gib": 7, "topology": {"replicas": 3}},
        upgrade_to="18.3",
        point_in_time=True,
        rows=PostgresRows(),
    ),
    Story(
        engine="redis",
        order={"version": "7.4.6", "plan": "micro", "topology": {"mode": "replicated", "replicas": 2}},
        scale={"plan": "small", "storage_gib": 7, "topology": {"replicas": 3}},
        upgrade_to="8.0.4",
        point_in_time=False,
        rows=RedisRows(),
    ),
    Story(
        engine="mysql",
        order={"version": "8.4.8", "plan": "small", "topology": {"mode": "replicated", "replicas": 3}},
        scale={"plan": "medium", "storage_gib": 12, "topology": {"replicas": 5}},
        upgrade_to="9.1.0",
        point_in_time=True,
    ),
    Story(
        engine="mongodb",
        order={"version": "8.0.10", "plan": "small", "topology": {"mode": "replicated", "replicas": 3}},
        scale={"plan": "medium", "storage_gib": 12, "topology": {"replicas": 5}},
        upgrade_to="8.0.17",
        point_in_time=True,
    ),
    Story(
        engine="elasticsearch",
        order={"version": "xpack-9.1.9", "plan": "small", "topology": {"mode": "replicated", "replicas": 3}},
        scale={"plan": "medium", "storage_gib": 12, "topology": {"replicas": 4}},
        upgrade_to="xpack-9.2.3",
        point_in_time=False,
    ),
)


@dataclass
class Teller:
    """A customer with one database, who looks after every request whether the rows are as they should be."""

    customer: Customer
    story: Story
    database: Json = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def begin(self, name: str, **order: Any) -> None:
        """Order the database that the story is about from here on."""
        body = {**self.story.order, **order} if "restore_from" not in order else order
        self.require_success(self.customer.order(name, self.story.engine, **body))

    def ask(self, verb: str, **body: Any) -> None:
        """Ask for a change and wait until it is made."""
        self.require_success(self.customer.ask(self.database, verb, **body))

    def require_success(self, operation: Json) -> None:
        """Follow the operation, which must succeed, and read the database as it then is."""
        ended = self.customer.follow(operation, seconds=120)
        assert ended["state"] == "succeeded", ended
        self.database = self.customer.database(ended)

    def write(self, name: str) -> None:
        """Add a row."""
        if self.story.rows:
            self.story.rows.write(self.uri, name)
        self.told.add(name)

    def destroy(self) -> None:
        """Lose all rows, as happens."""
        if self.story.rows:
            self.story.rows.destroy(self.uri)
            assert self.story.rows.read(self.uri) == set()

    def require_rows(self, *others: str, of: "Teller | None" = None) -> None:
        """See that what was written is there, and nothing else."""
        if self.story.rows:
            assert self.story.rows.read(self.uri) == (of or self).told | set(others)

    def require_refused(self, uri: str) -> None:
        """See that nobody gets in with this URI any more."""
        if self.story.rows:
            with suppress(self.story.rows.refused):
                self.story.rows.read(uri)
                raise AssertionError("the old password still works")

    @property
    def uri(self) -> str:
        """Return how to connect now."""
        return str(self.customer.credentials(self.database)["uri"])
