"""PostgreSQL: what pg_dumpall or pg_dump prints, read back by psql.

While a dump of the whole server that drops its databases is read back, nobody else may connect to them: it starts from
a scratch database, which is also where an attempt after a killed one finds its way in.
"""

import re
import shlex
from collections.abc import Iterator
from typing import IO

from devcluster.operator.backup.bodies import annotation
from devcluster.operator.backup.method import Job, Method, ToolError
from devcluster.operator.backup.targets import Target, primaries
from devcluster.operator.backup.tools import ExitError, read_into, run, write_from
from devcluster.operator.objects import RUNNING_VERSION_ANNOTATION
from devcluster.operator.ports import LOOPBACK
from devcluster.operator.servers.postgresql_installed import SERVERS, Installed

SCRATCH = "kubedb_restore"
SYSTEM_DATABASES = ("kubedb_system", SCRATCH)
CLUSTER_DUMP = b"PostgreSQL database cluster dump"
CUSTOM_DUMP = b"PGDMP"
CONNECT = b"\\connect "
HEAD_BYTES = 64 * 1024 * 1024
OUTPUT_OPTIONS = ("-f", "--file", "-Fd", "--format=d")
CONNECTION_OPTIONS = ("-h", "--host", "-p", "--port", "-U", "--username")
DROPS_TEMPLATE = re.compile(rb"^DROP DATABASE (IF EXISTS )?template1;$", re.MULTILINE)
ERROR_LINE = re.compile(r"(?:ERROR|FATAL|PANIC):\s+(.*)")
HARMLESS = re.compile(
    r'role ".*" already exists|current user cannot be dropped|role ".*" cannot be dropped because some objects depend on it'
)
LOCK_OUT = f"""
UPDATE pg_catalog.pg_database SET datallowconn = false WHERE datname <> '{SCRATCH}';
{{end_sessions}}"""  # noqa: S608 - the name is ours
END_SESSIONS = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
 WHERE pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'"""
LET_IN = "UPDATE pg_catalog.pg_database SET datallowconn = true WHERE datname <> 'template0'"


class Postgres(Method):
    """The way of the kind Postgres."""

    plural = "postgreses"

    async def back_up(self, job: Job) -> None:
        """Write what the dump command prints."""
        tool = job.parameters.get("backupCmd") or "pg_dumpall"
        if tool not in {"pg_dumpall", "pg_dump"}:
            raise ToolError(f"backupCmd {tool} is not known; it is pg_dumpall or pg_dump.")
        given = _arguments(job)
        left_out = [f"--exclude-database={name}" for name in SYSTEM_DATABASES] if tool == "pg_dumpall" else []
        server = await PostgresServer.of(job)
        try:
            async with job.folder.writing("dump") as sink:
                await read_into(sink, [*server.command(tool), *left_out, *given], server.environment)
        except ExitError as error:
            raise job.error(str(error)) from error

    async def back_up_files(self, job: Job) -> None:
        """Write a copy of the server's files, with the log that makes it whole."""
        server = await PostgresServer.of(job)
        options = ["-D", "-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast"]
        try:
            async with job.folder.writing("physical") as sink:
                await read_into(sink, [*server.command("pg_basebackup"), *options], server.environment)
        except ExitError as error:
            raise job.error(str(error)) from error

    async def restore(self, job: Job) -> None:
        """Run the dump, and make sure that the login still fits."""
        server, given = await PostgresServer.of(job), _arguments(job)
        part = next((one for one in job.folder.parts() if one.name == "dump"), None)
        if part is None:
            raise ToolError(
                "The snapshot has no dump; copies of files are restored into a new database, by init.archiver."
            )
        with job.folder.open(part) as file:
            await _restore(job, server, given, file)
        if await server.ask("postgres", "SELECT 1") is None:
            raise ToolError(f"After the restore {job.login.username} cannot log in with the password of the secret.")


def installed(target: Target) -> Installed:
    """Give the installed programs that fit the server which runs. Raises: ToolError."""
    running = annotation(target.db.body, RUNNING_VERSION_ANNOTATION)
    major = running.rpartition(" ")[2].partition(".")[0]
    found = SERVERS.get(int(major)) if major.isdecimal() else None
    if found is None:
        raise ToolError(f"No installed PostgreSQL fits {running or 'the server'}.")
    return found


class PostgresServer:
    """The server that takes writes, and how its tools reach it."""

    def __init__(self, job: Job, port: int) -> None:
        self._job = job
        self._port = port
        self.environment = {"PGPASSWORD": job.login.password, "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "kubestash"}

    @classmethod
    async def of(cls, job: Job) -> "PostgresServer":
        """Find it."""
        return cls(job, (await primaries(job.site, job.target))[0][1])

    def command(self, tool: str) -> list[str]:
        """Give a tool's command line up to where it connects to."""
        place = ["-h", LOOPBACK, "-p", str(self._port), "-U", self._job.login.username, "--no-password"]
        return [installed(self._job.target).tool(tool), *place]

    async def ask(self, database: str, statement: str) -> str | None:
        """Run a statement and give what it printed; None when the database takes no connection, or refuses."""
        command = [*self.command("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]
        try:
            return await run(command, self.environment)
        except ExitError:
            return None

    async def row(self, statement: str) -> list[str]:
        """Run a statement and give the columns of its only row. Raises: ToolError."""
        command = [*self.command("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", statement]
        try:
            return (await run(command, self.environment)).strip().split("|")
        except ExitError as error:
            raise self._job.error(str(error)) from error

    async def tell(self, database: str, statement: str) -> None:
        """Run a statement. Raises: ToolError."""
        command = [*self.command("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]
        try:
            await run(command, self.environment)
        except ExitError as error:
            raise self._job.error(str(error)) from error


async def _restore(job: Job, server: PostgresServer, given: list[str], file: IO[bytes]) -> None:
    head = b"".join(_head(file))
    if head.startswith(CUSTOM_DUMP):
        raise ToolError("The backup is in pg_dump's custom format, which psql cannot read; back up without --format.")
    if CLUSTER_DUMP not in head[:200]:
        await server.tell("postgres", END_SESSIONS)
        await _run_script(job, server, ["-d", "postgres", *given], head, file)
        return
    head = _keep_password(head, job.login.username)
    if DROPS_TEMPLATE.search(head) is None:
        await server.tell("postgres", END_SESSIONS)
        await _run_script(job, server, ["-d", "postgres", *given], head, file)
        return
    await _enter_scratch(server)
    try:
        await server.tell(SCRATCH, LOCK_OUT.format(end_sessions=END_SESSIONS))
        await _run_script(job, server, ["-d", SCRATCH, *given], head, file)
    finally:
        await server.ask(SCRATCH, LET_IN)
    await server.tell("postgres", f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")


async def _enter_scratch(server: PostgresServer) -> None:
    """Make the scratch database unless an earlier attempt did, which may have dropped the databases to connect to."""
    if await server.ask(SCRATCH, "SELECT 1") is None:
        await server.tell("postgres", f"CREATE DATABASE {SCRATCH} TEMPLATE template0")


async def _run_script(job: Job, server: PostgresServer, where: list[str], head: bytes, file: IO[bytes]) -> None:
    command = [*server.command("psql"), "-Xq", "-v", "ON_ERROR_STOP=0", *where]
    try:
        said = await write_from(
            file, head, command, {**server.environment, "PGOPTIONS": "-c client_min_messages=error"}
        )
    except ExitError as error:
        raise job.error(str(error)) from error
    errors = [error for error in ERROR_LINE.findall(said) if not HARMLESS.search(error)]
    if errors:
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""  # noqa: PLR2004 - enough to see what it is
        raise job.error("psql: " + "; ".join(errors[:3]) + more)


def _head(file: IO[bytes]) -> Iterator[bytes]:
    """Give the lines before the first one that belongs to a database: roles and the like, a statement each."""
    size = 0
    while size < HEAD_BYTES and (line := file.readline(HEAD_BYTES)):
        yield line
        size += len(line)
        if line.startswith(CONNECT):
            return


def _keep_password(head: bytes, username: str) -> bytes:
    """Leave out the password that the dump would set for the administrator: the secret's has to stay."""
    quoted = re.escape('"' + username.replace('"', '""') + '"')
    pattern = rf"^(ALTER ROLE (?:{re.escape(username)}|{quoted}) WITH .*?) PASSWORD '[^']*'(.*;)$"
    return re.sub(pattern.encode(), rb"\1\2", head, flags=re.MULTILINE)


def _arguments(job: Job) -> list[str]:
    """Read the task's own arguments; where to connect to and where to write is ours to say."""
    words = shlex.split(job.parameters.get("args") or "")
    refused = [word for word in words if word.startswith((*OUTPUT_OPTIONS, *CONNECTION_OPTIONS))]
    if refused:
        raise ToolError(f"Argument {refused[0]} is not allowed: the database and the file are given.")
    return words


METHOD = Postgres()
