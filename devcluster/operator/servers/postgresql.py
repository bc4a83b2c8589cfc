"""How a real PostgreSQL server of a pod is prepared and started, with the programs of an installed one.

It knows folders, ports and passwords; what a pod or a service is it does not know.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import pwd
import secrets
import shutil
import signal
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from devcluster.operator.ports import LOOPBACK
from devcluster.operator.processes import ServerError
from devcluster.operator.servers.postgresql_installed import Installed

STOP_SIGNAL = signal.SIGINT  # a fast shutdown: sessions are ended, everything is written
SUPERUSER = "postgres"
SCRAM_ROUNDS = 4096
SALT_BYTES = 16
TOOL_SECONDS = 120.0
WAL_KEEP_MIB = 256
FIRST_WITH_CHECKSUMS = 18
"""From this major on a new folder has checksums unless told otherwise; an older one could not be moved into it then."""


def ordinary_user(uid: int) -> list[str]:
    """Give what stands before a command so that PostgreSQL runs as a user whom it takes.

    It refuses root, and whoever has no name in the user database; inside a user namespace of its own each of them is somebody else.
    """
    names = {entry.pw_uid: entry for entry in pwd.getpwall()}
    if uid != 0 and uid in names:
        return []
    ordinary = max(
        (entry for entry in names.values() if entry.pw_uid != 0), key=lambda entry: entry.pw_name == "nobody"
    )
    return ["unshare", "--user", f"--map-user={ordinary.pw_uid}", f"--map-group={ordinary.pw_gid}"]


ORDINARY_USER = ordinary_user(os.geteuid())


class Template:
    """An initialised empty data folder that new databases copy, because copying is ten times faster than initdb."""

    def __init__(self, root: Path, server: Installed) -> None:
        self._templates = root / "templates"
        self._server = server
        self._lock = asyncio.Lock()

    async def ready(self) -> Path:
        """Give the template of the server, made if missing; those of its other minor versions are removed."""
        wanted = self._templates / f"postgresql-{self._server.version}"
        async with self._lock:
            if not wanted.exists():
                for old in self._templates.glob(f"*-{self._server.major}*"):
                    await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)
                await self._make(wanted)
        return wanted

    async def _make(self, wanted: Path) -> None:
        self._templates.mkdir(parents=True, exist_ok=True)
        fresh = self._templates / f"fresh-{self._server.major}"
        place = ["-D", str(fresh), "-U", SUPERUSER, "--no-sync", "--auth=reject"]
        text = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sums = ["--no-data-checksums"] if self._server.major >= FIRST_WITH_CHECKSUMS else []
        await run(self._server, "initdb", [*place, *text, *sums])
        # Nobody may log in without a password, and standbys log in like anybody else.
        access = f"host all all {LOOPBACK}/32 scram-sha-256\nhost replication all {LOOPBACK}/32 scram-sha-256\n"
        (fresh / "pg_hba.conf").write_text(access)
        with (fresh / "postgresql.conf").open("a") as config:
            config.write("include_if_exists = '../server.conf'\n")
        fresh.replace(wanted)


async def create_primary(volume: Path, template: Template) -> None:
    """Give the volume an empty database, unless it has one; a half-made one never shows under its final name."""
    if data_folder(volume).exists():
        return
    source = await template.ready()
    fresh = await fresh_folder(volume)
    await asyncio.to_thread(shutil.copytree, source, fresh, symlinks=True, dirs_exist_ok=True)
    fresh.replace(data_folder(volume))


async def create_standby(server: Installed, volume: Path, *, primary_port: int, username: str, password: str) -> None:
    """Give the volume a copy of a running primary, unless it has one."""
    if data_folder(volume).exists():
        return
    fresh = await fresh_folder(volume)
    source = ["-h", LOOPBACK, "-p", str(primary_port), "-U", username, "-D", str(fresh)]
    options = ["--wal-method=stream", "--checkpoint=fast", "--no-sync", "--no-password"]
    await run(server, "pg_basebackup", [*source, *options], environment={"PGPASSWORD": password})
    (fresh / "standby.signal").touch()
    fresh.replace(data_folder(volume))


async def apply_password(server: Installed, volume: Path, username: str, password: str) -> None:
    """Make the password of a stopped primary that of the secret, unless it is already."""
    applied = volume / "applied-password"
    if applied.exists() and _fits(applied.read_text(), username, password):
        return
    role, verifier = quoted_name(username), new_verifier(password)
    creation = [] if username == SUPERUSER else [f"CREATE ROLE {role} SUPERUSER LOGIN"]
    change = f"ALTER ROLE {role} SUPERUSER LOGIN REPLICATION PASSWORD '{verifier}'"
    # Without standbys yet, a commit that waits for one would wait for ever.
    arguments = ["--single", "-c", "synchronous_standby_names=", "-D", str(data_folder(volume)), "postgres"]
    # Creating a role that exists is an error that the single-user mode prints and leaves behind; the change is what counts.
    said = await run(server, "postgres", arguments, stdin="\n".join([*creation, change, ""]))
    if said.count("ERROR:") > len(creation):
        raise ServerError(f"The password of {username} could not be set: {said[-300:]}")
    remember_password(volume, username, verifier)


def remember_password(volume: Path, username: str, verifier: str) -> None:
    """Write down what the server has as password, so that it is not set again."""
    applied = volume / "applied-password"
    applied.touch(mode=0o600)
    applied.write_text(f"{username}\n{verifier}")


def settings_text(*, memory_mib: int, given: str, synchronous: str, upstream: str) -> str:
    """Give the settings that follow from the pod's memory and place, then those that the user gave."""
    settings = {
        "max_connections": str(min(200, max(25, memory_mib // 10))),
        "shared_buffers": f"{min(256, max(16, memory_mib // 8))}MB",
        "wal_keep_size": f"{WAL_KEEP_MIB}MB",
        "synchronous_standby_names": _quoted(synchronous),
        "primary_conninfo": _quoted(upstream),
        # The default waits five seconds for a primary that restarts.
        "wal_retrieve_retry_interval": "300ms",
        # So that archiving may begin without a restart; until then every file counts as archived.
        "archive_mode": "on",
        "archive_command": "'true'",
    }
    lines = [*(f"{name} = {value}" for name, value in settings.items()), given, "include_if_exists = 'archive.conf'"]
    return "\n".join([*lines, ""])


def write_settings(volume: Path, text: str) -> bool:
    """Write the settings of a server; tell whether they are others than before."""
    path = volume / "server.conf"
    path.touch(mode=0o600)
    changed = path.read_text() != text
    if changed:
        path.write_text(text)
    return changed


def upstream_text(*, port: int, username: str, password: str, application: str) -> str:
    """Write how a standby reaches its primary."""
    words = {"host": LOOPBACK, "port": str(port), "user": username, "password": password}
    words["application_name"] = application
    return " ".join(f"{key}={_quoted_word(value)}" for key, value in words.items())


def command(server: Installed, volume: Path, port: int) -> list[str]:
    """Give the command line of the server."""
    fixed = [f"listen_addresses={LOOPBACK}", f"port={port}", "unix_socket_directories=", "logging_collector=off"]
    options = [word for setting in fixed for word in ("-c", setting)]
    return [*ORDINARY_USER, server.tool("postgres"), "-D", str(data_folder(volume)), *options]


def data_folder(volume: Path) -> Path:
    """Give the folder of a volume where the server's files are; it exists only once they are complete."""
    return volume / "pgdata"


async def fresh_folder(volume: Path) -> Path:
    """Give a new folder beside the data.

    A killed operator may leave a copy behind that somebody still writes to, so every attempt has its own name.
    """
    fresh = volume / f"fresh-{secrets.token_hex(4)}"
    await asyncio.to_thread(_make_way, volume, fresh)
    return fresh


def _make_way(volume: Path, fresh: Path) -> None:
    for left in volume.glob("fresh-*"):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(mode=0o700)


async def run(
    server: Installed,
    tool: str,
    arguments: Sequence[str],
    *,
    stdin: str = "",
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run a program of a server to its end and give what it said. Raises: ServerError."""
    process = await asyncio.create_subprocess_exec(
        *ORDINARY_USER,
        server.tool(tool),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        cwd=folder,
    )
    try:
        async with asyncio.timeout(TOOL_SECONDS):
            output, _ = await process.communicate(stdin.encode())
    except TimeoutError as error:
        raise ServerError(f"{tool} took longer than {TOOL_SECONDS:.0f} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = output.decode(errors="replace")
    if process.returncode:
        raise ServerError(f"{tool} failed with exit code {process.returncode}: {said[-300:].strip()}")
    return said


def new_verifier(password: str) -> str:
    """Give what stands for a password in ALTER ROLE, with a salt of its own."""
    return _scram_verifier(password, secrets.token_bytes(SALT_BYTES))


def quoted_name(name: str) -> str:
    """Quote the name of a role for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _scram_verifier(password: str, salt: bytes) -> str:
    """Compute what PostgreSQL stores, so that neither the password nor anything that needs quoting is sent to it."""
    prepared = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def _fits(applied: str, username: str, password: str) -> bool:
    name, _, verifier = applied.partition("\n")
    salt = base64.b64decode(verifier.split("$")[1].partition(":")[2])
    return name == username and hmac.compare_digest(verifier, _scram_verifier(password, salt))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted_word(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
