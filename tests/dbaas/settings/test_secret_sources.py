"""That a value may refer to a Vault, spoken to over real HTTP, and that whatever is in the way is told by name and without any secret."""

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from dbaas.settings.env import read_environment
from dbaas.settings.secret_sources import with_secrets
from tests.dbaas.settings.conftest import ENOUGH, Given

TOKEN = "canary-token-of-the-store"
SECRET = "canary-secret-in-the-store-0123456789abcdef"
REFERENCE = "vault:secret/data/dbaas#SECRET_KEY"


@dataclass(kw_only=True)
class Store:
    """Answers as a Vault does; source of the shapes: developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    broken: bool = False
    secrets: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"/v1/secret/data/dbaas": {"SECRET_KEY": SECRET, "NUMBER": 7}}
    )

    def answer(self, path: str, token: str | None, body: bytes) -> tuple[int, Any]:
        """Return status and body."""
        self.asked.append(path)
        if self.broken:
            return 500, {"errors": ["internal error"]}
        if path == "/v1/auth/kubernetes/login":
            sent = json.loads(body)
            granted = sent == {"role": "dbaas", "jwt": "canary-account-token"}
            return (200, {"auth": {"client_token": TOKEN}}) if granted else (403, {"errors": ["permission denied"]})
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        if path == "/v1/secret/data/deleted":
            return 404, {
                "data": {"data": None, "metadata": {"deletion_time": "2026-01-31T00:00:00Z", "destroyed": False}}
            }
        if path not in self.secrets:
            return 404, {"errors": []}
        return 200, {"data": {"data": self.secrets[path], "metadata": {"version": 1}}}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store that this process is told of and may read."""
    found = Store()

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = found.answer(self.path.partition("?")[0], self.headers.get("X-Vault-Token"), body)
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET  # noqa: N815 -- the server looks for this name

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        found.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _forget_variables(monkeypatch)
        monkeypatch.setenv("VAULT_ADDR", found.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield found
        server.shutdown()


def _forget_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADDR", "TOKEN", "TOKEN_FILE", "KUBERNETES_ROLE", "KUBERNETES_TOKEN_PATH", "NAMESPACE", "CACERT"):
        monkeypatch.delenv(f"VAULT_{name}", raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")


def refusal(**values: Any) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        with_secrets(values)
    told = str(caught.value)
    assert "canary" not in told
    return told


def test_that_the_environment_takes_its_values_from_the_store(given: Given, store: Store) -> None:
    given(**{**ENOUGH, "SECRET_KEY": REFERENCE})

    found = read_environment()

    assert found.secret_key == SECRET
    assert found.broker_url == ENOUGH["BROKER_URL"]
    assert store.asked == ["/v1/secret/data/dbaas"]


def test_that_a_file_may_hold_the_reference(given: Given, store: Store, tmp_path: Path) -> None:
    (tmp_path / "reference").write_text(f"{REFERENCE}\n")
    given(**{name: value for name, value in ENOUGH.items() if name != "SECRET_KEY"})
    given(SECRET_KEY_FILE=str(tmp_path / "reference"))

    assert read_environment().secret_key == SECRET
    assert store.asked


def test_that_the_launcher_s_file_may_hold_it(given: Given, store: Store, tmp_path: Path) -> None:
    (tmp_path / "dbaas.env").write_text(f"SECRET_KEY={REFERENCE}\n")
    given(**{name: value for name, value in ENOUGH.items() if name != "SECRET_KEY"})

    assert read_environment().secret_key == SECRET
    assert store.asked


def test_that_what_the_store_holds_is_checked_like_any_value(given: Given, store: Store) -> None:
    store.secrets["/v1/secret/data/dbaas"]["SECRET_KEY"] = "canary-short"
    given(**{**ENOUGH, "SECRET_KEY": REFERENCE})

    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment()

    assert "SECRET_KEY: " in str(caught.value)
    assert "canary" not in str(caught.value)


def test_that_values_that_refer_to_nothing_ask_nobody(store: Store) -> None:
    assert with_secrets({"a": "plain", "b": 7, "c": "redis://x"}) == {"a": "plain", "b": 7, "c": "redis://x"}
    assert store.asked == []


def test_that_a_path_is_read_once(store: Store) -> None:
    store.secrets["/v1/secret/data/dbaas"]["PEPPER"] = "pepper"

    found = with_secrets({"a": REFERENCE, "b": "vault:secret/data/dbaas#PEPPER"})

    assert found == {"a": SECRET, "b": "pepper"}
    assert store.asked == ["/v1/secret/data/dbaas"]


@pytest.mark.parametrize(
    "reference", ["vault:", "vault:secret/dbaas#X", "vault:secret/data/dbaas", "vault:/data/x#y", "vault:a/data/#b"]
)
def test_that_a_reference_that_cannot_be_read_is_shown_how(store: Store, reference: str) -> None:
    assert "A: a reference looks like vault:secret/data/dbaas#SECRET_KEY." in refusal(a=reference)
    assert store.asked == []


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("vault:secret/data/dbaas#MISSING", "no text in the field MISSING"),
        ("vault:secret/data/dbaas#NUMBER", "no text in the field NUMBER"),
        ("vault:secret/data/nothing#X", "nothing at secret/data/nothing"),
        ("vault:secret/data/deleted#X", "nothing at secret/data/deleted"),
    ],
)
def test_that_what_is_missing_is_told(store: Store, reference: str, told: str) -> None:
    assert told in refusal(a=reference)
    assert store.asked


def test_that_everything_that_is_missing_is_told_at_once(store: Store) -> None:
    told = refusal(a="vault:secret/data/x#A", b=REFERENCE, c="vault:secret/data/y#C")

    assert [line.split(":")[0].strip() for line in told.splitlines()[1:]] == ["A", "C"]
    assert store.asked


def test_that_a_token_that_may_not_read_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "canary-another")

    assert "check token and policy" in refusal(a=REFERENCE)
    assert store.asked


def test_that_a_token_may_be_in_a_file(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("VAULT_TOKEN_FILE", str(tmp_path / "token"))

    assert with_secrets({"a": REFERENCE}) == {"a": SECRET}
    assert store.asked


def test_that_a_token_file_that_is_not_there_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAULT_TOKEN_FILE", str(tmp_path / "nothing"))

    assert "needs a file" in refusal(a=REFERENCE)
    assert store.asked == []


def test_that_a_pod_logs_in_with_its_account(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "account").write_text("canary-account-token\n")
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("VAULT_KUBERNETES_ROLE", "dbaas")
    monkeypatch.setenv("VAULT_KUBERNETES_TOKEN_PATH", str(tmp_path / "account"))

    assert with_secrets({"a": REFERENCE}) == {"a": SECRET}
    assert store.asked == ["/v1/auth/kubernetes/login", "/v1/secret/data/dbaas"]


def test_that_a_refused_log_in_is_told(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "account").write_text("canary-of-somebody-else")
    monkeypatch.setenv("VAULT_KUBERNETES_ROLE", "dbaas")
    monkeypatch.setenv("VAULT_KUBERNETES_TOKEN_PATH", str(tmp_path / "account"))

    assert "refused the log-in" in refusal(a=REFERENCE)
    assert store.asked


def test_that_a_store_that_is_broken_is_told(store: Store) -> None:
    store.broken = True

    assert "does not answer as it should (InternalServerError)" in refusal(a=REFERENCE)


@pytest.mark.parametrize("logs_in", [False, True])
def test_that_a_store_that_is_away_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logs_in: bool
) -> None:
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    if logs_in:
        (tmp_path / "account").write_text("canary-account-token")
        monkeypatch.setenv("VAULT_KUBERNETES_ROLE", "dbaas")
        monkeypatch.setenv("VAULT_KUBERNETES_TOKEN_PATH", str(tmp_path / "account"))

    assert "ConnectionError" in refusal(a=REFERENCE)
    assert store.asked == []


@pytest.mark.parametrize(("missing", "told"), [("VAULT_ADDR", "set VAULT_ADDR"), ("VAULT_TOKEN", "set VAULT_TOKEN, ")])
def test_that_a_missing_variable_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, missing: str, told: str
) -> None:
    monkeypatch.delenv(missing)

    assert told in refusal(a=REFERENCE)
    assert store.asked == []


def test_that_a_missing_client_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)

    assert "requirements-vault.txt" in refusal(a=REFERENCE)
    assert store.asked == []
