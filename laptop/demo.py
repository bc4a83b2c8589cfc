"""The story that shows what the product does: a user, a tenant, a PostgreSQL and a Redis, by the public API alone, with real clients at the end."""

import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from laptop.cpu import idle_cpu_percent
from laptop.layout import CannotStart
from laptop.supervision import System

READY_WITHIN_SECONDS = 120.0
_LOOK_EVERY_SECONDS = 0.1
_MARKS = {
    "done": "[green]✓[/]",
    "started": "[cyan]…[/]",
    "waiting": "[yellow]◷[/]",
    "retried": "[yellow]↻[/]",
    "stuck": "[red]✗[/]",
}

Json = dict[str, Any]


def run_demo(system: System, console: Console) -> int:
    """Tell the story and return 0, or 1 where a database did not become ready."""
    with httpx.Client(base_url=system.layout.web_url, timeout=30) as api:
        tenant = _join(api, console)
        for engine, proof in (("postgres", _query_postgres), ("redis", _query_redis)):
            if not _provision(api, console, tenant, engine, proof):
                return 1
    with console.status("Measuring what the idle system costs", spinner="line"):
        idle = idle_cpu_percent(system.supervisor.pid, seconds=5.0)
    console.print(f"Idle CPU of the whole system: [bold]{idle:.1f} %[/] of one core.", highlight=False)
    return 0


def _join(api: httpx.Client, console: Console) -> Json:
    suffix = secrets.token_hex(3)
    person = {"email": f"demo-{suffix}@example.com", "password": secrets.token_urlsafe(18)}
    _checked(api.post("/api/v1/auth/register", json=person))
    tokens = _checked(api.post("/api/v1/auth/login", json=person))
    api.headers["Authorization"] = f"Bearer {tokens['access']}"
    tenant: Json = _checked(api.post("/api/v1/tenants", json={"name": f"demo-{suffix}"}))
    console.print(
        f"Registered [bold]{person['email']}[/] (password {person['password']}), tenant [bold]{tenant['name']}[/].",
        highlight=False,
    )
    return tenant


def _provision(api: httpx.Client, console: Console, tenant: Json, engine: str, proof: Callable[[Json], str]) -> bool:
    began = time.monotonic()
    order = {"tenant": tenant["id"], "name": f"demo-{engine}", "engine": engine}
    operation = _checked(api.post("/api/v1/databases", json=order, headers={"Idempotency-Key": secrets.token_hex(16)}))
    console.rule(f"POST /api/v1/databases → {operation['kind']} {engine}", align="left")
    operation = _follow(api, console, operation["links"]["self"])
    took = time.monotonic() - began
    if operation["state"] != "succeeded":
        console.print(f"[bold red]{operation['state']}[/]: {escape(str(operation['error']))}")
        return False
    database = _checked(api.get(operation["links"]["database"]))
    credentials = _checked(api.get(f"{operation['links']['database']}/credentials"))
    runs = f" (runs {database['running_version']})" if database["running_version"] else ""
    console.print(f"[bold green]ready[/] after {took:.1f} s: {engine} {database['version']}{runs}", highlight=False)
    console.print(
        f"  overhead of ours: {_overhead_seconds(operation):.2f} s, the rest is the cluster's", highlight=False
    )
    console.print(f"  {credentials['uri']}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"  {proof(credentials)}", highlight=False, markup=False)
    return True


def _follow(api: httpx.Client, console: Console, address: str) -> Json:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    with Live(console=console, refresh_per_second=10, transient=True) as live:
        while True:
            operation: Json = _checked(api.get(address))
            live.update(_timeline(operation))
            if operation["finished_at"] or operation["state"] == "stuck":
                break
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"The operation is not done after {READY_WITHIN_SECONDS:.0f} s: GET {address} tells where it stands."
                )
            time.sleep(_LOOK_EVERY_SECONDS)
    console.print(_timeline(operation))
    return operation


def _timeline(operation: Json) -> Table:
    filled = operation["progress"] // 5
    table = Table(show_header=False, box=None, padding=(0, 1, 0, 0))
    last_of_step = {line["step"]: line["seq"] for line in operation["timeline"]}
    for line in operation["timeline"]:
        if line["event"] == "started" and last_of_step[line["step"]] != line["seq"]:
            continue  # what came of it stands below
        took = f"{line['duration_ms']} ms" if line["duration_ms"] is not None else ""
        mark = _MARKS.get(line["event"], "•")
        table.add_row(line["at"][11:23], mark, line["event"], escape(line["message"])[:100], took)
    table.add_row(
        "",
        "",
        f"{operation['progress']:3} %",
        f"[green]{'━' * filled}[/]{'─' * (20 - filled)} {operation['state']}",
        "",
    )
    return table


def _overhead_seconds(operation: Json) -> float:
    """Return the time that was not spent waiting for the cluster: from accept to end, less the step that waits."""
    times = [datetime.fromisoformat(line["at"]) for line in operation["timeline"]]
    done = [line for line in operation["timeline"] if (line["step"], line["event"]) == ("wait_until_ready", "done")]
    waited_ms: int = sum(line["duration_ms"] for line in done)
    return (times[-1] - times[0]).total_seconds() - waited_ms / 1000


def _query_postgres(credentials: Json) -> str:
    import psycopg

    with psycopg.connect(credentials["uri"], connect_timeout=5) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS hello (at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO hello DEFAULT VALUES")
        row = connection.execute("SELECT version(), (SELECT count(*) FROM hello)").fetchone()
    version, count = row or ("nothing", 0)
    return f"psql: SELECT version() → {str(version)[:40]}; {count} row written and read back"


def _query_redis(credentials: Json) -> str:
    import redis

    with redis.Redis.from_url(credentials["uri"], socket_timeout=5) as client:
        client.set("hello", "world")
        value = client.get("hello")
        version = client.info("server").get("valkey_version", "?")
    return f"redis: SET hello world; GET hello → {value!r} from Valkey {version}"


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        raise CannotStart(
            f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {problem.get('detail', answer.text[:500])}"
        )
    return answer.json()
