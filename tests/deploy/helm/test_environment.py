"""Tests that what the chart gives to the processes is what the settings want."""

import base64
from typing import Any

import pytest
import yaml

from dbaas.settings.env import Environment
from tests.deploy.commands import production_settings
from tests.deploy.helm.charted import CHART
from tests.deploy.helm.generated import OPTIONAL_SECRETS, REQUIRED_SECRETS, VAULT, schema
from tests.deploy.helm.rendering import environment_of, objects, one, pods, refusal, rendered, values_of

KEPT = {name: f"{name.lower()}-of-at-least-32-characters" for name in REQUIRED_SECRETS} | {
    "DATABASE_URL": "postgresql://dbaas:password@postgres:5432/dbaas",
    "BROKER_URL": "redis://:password@broker:6379/0",
    "FLOWER_BASIC_AUTH": "admin:password",
}
PROCESSES = ("web", "worker", "webhooks", "beat", "watcher")
NOT_SETTINGS = {"PROMETHEUS_MULTIPROC_DIR", "REMAP_SIGTERM", "POD_IP", *VAULT, "VAULT_TOKEN"}
"""Read by the metrics library, by Celery, by the kubelet, and by the settings' secret sources."""
MINIMAL = ("--values", values_of("minimal"))


def secret_in(name: str, of: str = "dbaas") -> dict[str, str]:
    found: dict[str, str] = one(objects(name), "Secret", of)["data"]
    return {key: base64.b64decode(value).decode() for key, value in found.items()}


@pytest.mark.parametrize(
    ("name", "process"), [("minimal", "web"), ("minimal", "migrate"), ("production", "web"), ("production", "worker")]
)
def test_that_production_settings_accept_what_each_process_gets(name: str, process: str) -> None:
    is_ours = name == "minimal"
    suffix = "dbaas-migrate" if process == "migrate" else "dbaas"
    held = secret_in(name, suffix) if is_ours else KEPT
    variables = environment_of(objects(name), f"dbaas-{process}", held)

    told = production_settings(variables, "settings.DATABASES['default']['HOST'], settings.CELERY['broker_url'][-14:]")

    assert told == "postgres @broker:6379/0"


def test_that_values_arrive_as_the_settings_read_them() -> None:
    variables = environment_of(objects("production"), "dbaas-web", KEPT)

    told = production_settings(
        variables,
        "settings.RATE_LIMITS['reads'], settings.OPEN_REGISTRATION, settings.STAFF_NEEDS_TOTP, settings.PUBLIC_URL,"
        " settings.CSRF_TRUSTED_ORIGINS, settings.FLOWER_URL, settings.LOGGING['root']['level']",
    )

    url = "https://dbaas.example.com"
    assert told == f"1000000 False True {url} ['{url}'] https://flower.example.com WARNING"


def test_that_web_answers_to_its_names_and_to_the_address_of_its_pod() -> None:
    variables = environment_of(objects("production"), "dbaas-web", KEPT)

    hosts = variables["ALLOWED_HOSTS"].split(",")

    assert hosts[:2] == ["192.0.2.7", "[192.0.2.7]"]
    assert {"127.0.0.1", "dbaas-web", "dbaas-web.databases.svc", "dbaas.example.com"} <= set(hosts)


def test_that_what_is_configured_wins_over_what_follows_from_the_host() -> None:
    variables = environment_of(objects("keda"), "databases-web", secret_in("keda", "databases"))

    assert variables["PUBLIC_URL"] == "https://elsewhere.example.com"
    assert variables["CSRF_TRUSTED_ORIGINS"] == "https://dbaas.example.com"
    assert variables["ALLOWED_HOSTS"].split(",")[-2:] == ["dbaas.example.com", "internal.example.com"]
    assert variables["EMAIL_URL"] == "smtps://user:mail-password@mail.example.com:465"


@pytest.mark.parametrize("name", ["minimal", "production"])
@pytest.mark.parametrize("process", PROCESSES)
def test_that_every_variable_is_one_that_something_reads(name: str, process: str) -> None:
    held = KEPT if name == "production" else secret_in(name)
    known = {field.upper() for field in Environment.model_fields}

    assert set(environment_of(objects(name), f"dbaas-{process}", held)) - known - NOT_SETTINGS == set()


def test_that_every_variable_can_be_set_in_exactly_one_place() -> None:
    properties = yaml.safe_load(schema())["properties"]
    config = set(properties["config"]["properties"])
    secrets = set(properties["secrets"]["properties"]["values"]["properties"])

    assert config & secrets == set()
    assert {field.upper() for field in Environment.model_fields} <= config | secrets


def test_that_templates_and_schema_mean_the_same_secrets() -> None:
    container = dict(pods(objects("production")))["dbaas-beat"]["containers"][0]
    told = [
        (entry["name"], entry["valueFrom"]["secretKeyRef"].get("optional", False))
        for entry in container["env"]
        if "valueFrom" in entry
    ]

    assert told == [*((name, False) for name in REQUIRED_SECRETS), *((name, True) for name in OPTIONAL_SECRETS)]


def test_that_generated_secrets_differ_from_each_other_and_are_kept() -> None:
    secret = one(objects("minimal"), "Secret", "dbaas")
    made = {key: value for key, value in secret_in("minimal").items() if not key.endswith("_URL")}

    assert len(set(made.values())) == len(made) == 5
    assert min(map(len, made.values())) >= 48
    assert secret["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_that_migrations_get_the_same_secrets() -> None:
    assert secret_in("minimal", "dbaas-migrate") == secret_in("minimal")


@pytest.mark.parametrize("missing", [*REQUIRED_SECRETS, "FLOWER_BASIC_AUTH"])
def test_that_a_missing_secret_is_named(missing: str) -> None:
    given = [f"--set-string=secrets.values.{name}={value}" for name, value in KEPT.items() if name != missing]

    assert f"secrets: {missing}" in refusal(*given)


def test_that_nothing_is_made_that_nobody_asked_for() -> None:
    bodies = rendered("--set", "secrets.existingSecret=mine")

    assert [body for body in bodies if body["kind"] == "Secret"] == []


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("config.LOG_LEVL=INFO", "LOG_LEVL"),
        ("config.LOG_LEVEL=LOUD", "'DEBUG', 'INFO', 'WARNING', 'ERROR'"),
        ("config.LEASE_SECONDS=5", "minimum: got 5, want 30"),
        ("config.OPEN_REGISTRATION=maybe", "got string, want boolean"),
        ("config.SECRET_KEY=in-the-wrong-place", "SECRET_KEY"),
        ("web.replica=3", "replica"),
        ("web.antiAffinity=strong", "antiAffinity"),
        ("publicHost=https://dbaas.example.com", "publicHost"),
        ("worker.keda.enabled=true,worker.keda.address=broker:6379", "Switch one of them off"),
        ("ingress.enabled=true", "publicHost is needed"),
    ],
)
def test_that_a_mistake_is_refused_before_anything_is_installed(setting: str, told: str) -> None:
    assert told in refusal(*MINIMAL, "--set", setting)


def test_that_a_changed_setting_restarts_the_processes() -> None:
    def checksums(*arguments: str) -> Any:
        bodies = rendered("--set", "secrets.existingSecret=mine", *arguments)
        return one(bodies, "Deployment", "dbaas-worker")["spec"]["template"]["metadata"]["annotations"]

    assert checksums() == checksums()
    assert checksums() != checksums("--set", "config.LOG_LEVEL=DEBUG")


def test_that_no_secret_stands_outside_of_secrets() -> None:
    held = secret_in("minimal")

    for body in objects("minimal"):
        if body["kind"] != "Secret":
            assert [name for name, value in held.items() if value in str(body)] == []
    assert "password" not in (CHART / "templates/configmap.yaml").read_text(encoding="utf-8")
