"""Ships PostgreSQL's write-ahead log into a repository, and knows up to which moment it is there.

The server itself copies each finished file; here it is told where to, and asked how far it is. When nothing has been
committed since the last moment that was covered, a later moment is covered too: an idle server need not switch files.
"""

import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from devcluster.operator.backup.method import Job
from devcluster.operator.backup.methods.postgres import PostgresServer
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.targets import Target, read_login
from devcluster.operator.backup.vault import Folder

PLURAL = "postgreses"
SWITCH_SECONDS = 60
"""How long a file of the log may stay unfinished while nobody looks; while we look, we end it ourselves."""
MOST_MARKS = 50
_FILE = re.compile(r"[0-9A-F]{24}\.gz")
STATE = """
SELECT floor(extract(epoch FROM clock_timestamp())), pg_walfile_name(pg_current_wal_insert_lsn()),
       pg_snapshot_xmin(seen), pg_snapshot_xmax(seen)
  FROM pg_current_snapshot() AS seen"""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What the server said at a moment."""

    at: datetime
    file: str
    oldest: str
    following: str

    @property
    def idle(self) -> bool:
        """Whether nothing was waiting to be committed."""
        return self.oldest == self.following


class Shipper:
    """The log of one database."""

    def __init__(self, scene: Scene, target: Target) -> None:
        self._scene = scene
        self._target = target
        self._folder: Path | None = None
        self._marks: list[Mark] = []
        self._covered: Mark | None = None

    async def start(self, directory: str) -> str:
        """Let the server copy its log into a repository, and give the folder, relative to all backups."""
        server = await self._server()
        (identity,) = await server.row("SELECT system_identifier FROM pg_control_system()")
        relative = f"{directory}/wal-{identity}"
        folder = self._scene.vault.path(relative)
        if self._folder != folder:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            await self._configure(
                server, f"archive_command = {_literal(copying(folder))}\narchive_timeout = {SWITCH_SECONDS}\n"
            )
            self._folder, self._marks, self._covered = folder, [], None
        return relative

    async def stop(self) -> None:
        """Let the server copy no more."""
        await self._configure(await self._server(), "")

    async def reach(self) -> datetime | None:
        """Give the last moment known to be covered; None when there is none yet."""
        server = await self._server()
        at, file, oldest, following = await server.row(STATE)
        moment = datetime.fromtimestamp(float(at), UTC)
        self._marks = [*self._marks[-MOST_MARKS:], Mark(at=moment, file=file, oldest=oldest, following=following)]
        newest = max((path.name[:24] for path in self._files()), default="")
        for mark in list(self._marks):
            if mark.file <= newest or self._is_quiet(mark):
                self._covered = mark
                self._marks.remove(mark)
        if self._marks:
            # Ends the file, so that it is copied; a server that stays idle has no mark left and is left in peace.
            await server.row("SELECT pg_switch_wal()")
        return self._covered.at if self._covered is not None else None

    def _is_quiet(self, mark: Mark) -> bool:
        """Tell whether nothing can have been committed between the last covered moment and this one."""
        before = self._covered
        return before is not None and before.idle and mark.idle and before.following == mark.following

    def _files(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if _FILE.fullmatch(path.name)] if self._folder else []

    async def _server(self) -> PostgresServer:
        login = await read_login(self._scene.site, self._target)
        job = Job(site=self._scene.site, target=self._target, login=login, folder=Folder(self._scene.site.root))
        return await PostgresServer.of(job)

    async def _configure(self, server: PostgresServer, text: str) -> None:
        (folder,) = await server.row("SHOW data_directory")
        path = Path(folder).parent / "archive.conf"
        path.touch(mode=0o600)
        if path.read_text() != text:
            path.write_text(text)
        await server.row("SELECT pg_reload_conf()")


def copying(folder: Path) -> str:
    """Give the shell command that copies a file of the log; one that is there already must be the same."""
    place = shlex.quote(str(folder).replace("%", "%%"))
    packed, fresh = f"{place}/%f.gz", f"{place}/.%f.new"
    return f"if test -f {packed}; then gzip -dc {packed} | cmp -s - %p; else gzip -1c %p > {fresh} && mv {fresh} {packed}; fi"


def fetching(folder: Path) -> str:
    """Give the shell command that copies a file of the log back."""
    packed = f"{shlex.quote(str(folder).replace('%', '%%'))}/%f.gz"
    return f"test -f {packed} && gzip -dc {packed} > %p"


def forget_older(folder: Path, moment: datetime) -> None:
    """Remove the files that were finished before the oldest full backup began; what it needs of them it holds itself."""
    for path in folder.iterdir():
        if _FILE.fullmatch(path.name) and path.stat().st_mtime < moment.timestamp():
            path.unlink(missing_ok=True)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
