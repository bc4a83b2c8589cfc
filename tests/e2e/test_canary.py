"""That no secret of a run is found where it does not belong: logs, metadata database, broker, metrics, audit log, errors and other answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
import redis
import yaml

from laptop.environment import read_environment
from tests.e2e.canary import Answers, leaks_in, leaks_in_files, spellings
from tests.e2e.receiver import receiver
from tests.e2e.system import Customer, Json, System, new_customer, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("system")]

KEPT_IN = ("dbaas.env", "supervisord.conf", "broker/valkey.conf", "cluster/*", "cluster/**/*")
"""What is meant to hold secrets: the settings, the servers' own, and the cluster, where KubeDB keeps passwords in Secrets."""
OF_SETTINGS = (
    "SECRET_KEY",
    "JWT_SIGNING_KEY",
    "API_KEY_PEPPER",
    "ENCRYPTION_KEYS",
    "BROKER_PASSWORD",
    "ADMIN_PASSWORD",
)


def kubeconfig_token(system: System) -> str:
    document: dict[str, Any] = yaml.safe_load(system.kubeconfig.read_text(encoding="utf-8"))
    return str(document["users"][0]["user"]["token"])


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def told(system: System, answers: Answers) -> Iterator[tuple[Customer, dict[str, str]]]:
    """A customer whose every answer is kept, and the secrets of the run by name."""
    held = read_environment(system.data_dir / "dbaas.env")
    secrets = {name: held[name] for name in OF_SETTINGS} | {"kubeconfig token": kubeconfig_token(system)}
    with new_customer(system, "canary") as customer:
        customer.api.event_hooks["response"].append(answers.keep)
        secrets["access token"] = customer.api.headers["Authorization"].removeprefix("Bearer ")
        yield customer, secrets


def live(customer: Customer, secrets: dict[str, str], system: System) -> None:
    """Have everything done that handles a secret, well and badly, and note each secret."""
    api = customer.api
    secrets["wrong pass phrase"] = "canary-wrong-pass-phrase"
    api.post("/api/v1/auth/login", json={"email": "canary@example.com", "password": secrets["wrong pass phrase"]})
    api.post("/api/v1/auth/login", content=b'{"email": "x", "password": "canary-wrong-pass-phrase"')
    secrets["pass phrase"] = "canary-right-pass-phrase"
    person = {"email": "canary-too@example.com", "password": secrets["pass phrase"]}
    api.post("/api/v1/auth/register", json=person)
    tokens = customer.checked(api.post("/api/v1/auth/login", json=person))
    secrets |= {"other access token": tokens["access"], "refresh token": tokens["refresh"]}
    renewed = customer.checked(api.post("/api/v1/auth/refresh", json={"refresh": tokens["refresh"]}))
    secrets["renewed refresh token"] = renewed["refresh"]
    api.post("/api/v1/auth/refresh", json={"refresh": tokens["refresh"]})
    key = customer.checked(api.post("/api/v1/auth/api-keys", json={"name": "canary"}))
    secrets["API key"] = key["key"].rpartition("_")[2]
    for sent in (key["key"], f"{key['key'][:-4]}XXXX"):
        httpx.get(f"{system.base}/api/v1/tenants", headers={"X-API-Key": sent})
    _use_a_database(customer, secrets)


def _use_a_database(customer: Customer, secrets: dict[str, str]) -> None:
    with receiver() as there:
        path = f"/api/v1/tenants/{customer.tenant['id']}/webhooks"
        webhook = customer.checked(customer.api.post(path, json={"url": there.url, "events": ["*"]}))
        rotated = customer.checked(customer.api.post(f"{path}/{webhook['id']}/rotate-secret"))
        secrets |= {"old webhook secret": webhook["secret"], "webhook secret": rotated["secret"]}
        database = customer.database(customer.follow(customer.order("canary", "postgres")))
        secrets["database password"] = _password(customer, database)
        customer.follow(customer.ask(database, "rotate-credentials"))
        secrets["new database password"] = _password(customer, database)
        customer.api.post(f"/api/v1/databases/{database['id']}/scale", json={"password": secrets["database password"]})
        customer.follow(customer.delete(database))
        wait_until("the end was told", lambda: "database.deleted" in there.types())
        deliveries = customer.checked(customer.api.get(f"{path}/{webhook['id']}/deliveries"))["items"]
        customer.api.get(f"{path}/{webhook['id']}/deliveries/{deliveries[0]['id']}")
        assert [
            leak for headers, body in there.received for leak in leaks_in(f"{headers}{body}".encode(), secrets)
        ] == []
    for path in ("audit-log", "webhooks"):
        customer.checked(customer.api.get(f"/api/v1/tenants/{customer.tenant['id']}/{path}"))
    customer.api.get(f"/api/v1/databases/{database['id']}/events")
    customer.api.get("/api/v1/operations")


def _password(customer: Customer, database: Json) -> str:
    found = customer.credentials(database)
    assert unquote(urlsplit(found["uri"]).password or "") == found["password"]
    return str(found["password"])


def broker_contents(system: System) -> bytes:
    """Return every key with what it holds, as it is this moment; its log of commands is a file, and is looked at as such."""
    held = read_environment(system.data_dir / "dbaas.env")
    with redis.Redis.from_url(held["BROKER_URL"]) as broker:
        return b"\n".join(key + b" " + (broker.dump(key) or b"") for key in broker.scan_iter("*"))


MEANT = {
    "other access token": "/auth/login",
    "refresh token": "/auth/login",
    "renewed refresh token": "/auth/refresh",
    "API key": "/auth/api-keys",
    "old webhook secret": "/webhooks",
    "webhook secret": "/rotate-secret",
    "database password": "/credentials",
    "new database password": "/credentials",
}
"""Which answer shows which secret."""


def test_that_no_secret_is_where_it_does_not_belong(
    system: System, told: tuple[Customer, dict[str, str]], answers: Answers
) -> None:
    customer, secrets = told

    live(customer, secrets, system)
    metrics = httpx.get(f"{system.base}/metrics").content

    assert set(MEANT) <= set(secrets)
    assert list(leaks_in_files(system.data_dir, secrets, meant=KEPT_IN)) == []
    assert leaks_in(broker_contents(system), secrets) == []
    assert leaks_in(metrics, secrets) == []
    assert answers.leaks(secrets, meant=MEANT) == []
    shown = answers.leaks(secrets, meant={})
    assert {leak.rpartition(" holds ")[2] for leak in shown} == set(MEANT), "each is shown where it is meant to be"


def test_that_a_leak_would_be_found(system: System, customer: Customer, tmp_path: Path) -> None:
    """In every place that is looked at, in the form in which it would stand there."""
    secret = 'canary+of/a:secret"that é leaked'
    secrets = {"secret": secret}
    held = read_environment(system.data_dir / "dbaas.env")
    with redis.Redis.from_url(held["BROKER_URL"]) as broker:
        broker.set("canary", f"a message with {secret}")
        in_broker = leaks_in(broker_contents(system), secrets)
        broker.delete("canary")
    customer.checked(customer.api.patch(f"/api/v1/tenants/{customer.tenant['id']}", json={"display_name": secret}))
    in_tables = [leak for leak in leaks_in_files(system.data_dir, secrets, meant=KEPT_IN) if "sqlite" in leak]
    in_log_of_commands = list(leaks_in_files(system.data_dir / "broker", secrets, meant=()))
    for number, spelling in enumerate(sorted(spellings(secret))):
        (tmp_path / f"{number}.log").write_bytes(b"before" + spelling + b"after")

    assert in_broker == ["secret"]
    assert in_tables
    assert in_log_of_commands
    assert len(list(leaks_in_files(tmp_path, secrets, meant=()))) == len(spellings(secret))
    assert list(leaks_in_files(tmp_path, secrets, meant=("*.log",))) == []
