"""Moves a stopped primary's data from one major version to another, with `pg_upgrade` into a folder beside the old one.

The old folder stays until the new server has answered, so that every failure before leads back to it.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from devcluster.operator.processes import ServerError
from devcluster.operator.servers import postgresql
from devcluster.operator.servers.postgresql_installed import SERVERS, Installed


async def fit_primary(volume: Path, server: Installed, template: postgresql.Template) -> None:
    """Make the data of a stopped primary fit a server, by an upgrade or by going back. Raises: ServerError."""
    data, present = postgresql.data_folder(volume), major_of(volume)
    if present in {None, server.major}:
        return
    if (before := _replaced(volume, server.major)).exists():
        await _throw_away(volume, data)
        before.replace(data)
        return
    old = SERVERS.get(present or 0)
    if old is None or present is None or present > server.major:
        raise ServerError(f"Data of PostgreSQL {present} cannot be moved to {server.version}.")
    await _upgrade(volume, old, server, template)


async def fit_standby(volume: Path, server: Installed) -> None:
    """Throw the data of a stopped standby away if it does not fit: it is copied from its primary again."""
    if major_of(volume) not in {None, server.major}:
        await _throw_away(volume, postgresql.data_folder(volume))


async def forget_replaced(volume: Path) -> None:
    """Remove the old data: the new server has answered, and from now on goes its own way."""
    for old in _all_replaced(volume):
        await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)


def is_settled(volume: Path) -> bool:
    """Tell whether there is no old data to go back to."""
    return not _all_replaced(volume)


def major_of(volume: Path) -> int | None:
    """Give the major version of a volume's data; None for no data. A killed exchange of folders is taken back."""
    data = postgresql.data_folder(volume)
    if not data.exists():
        left = next(iter(volume.glob("replaced-*")), None)
        if left is None:
            return None
        left.replace(data)
    return int((data / "PG_VERSION").read_text())


def _all_replaced(volume: Path) -> list[Path]:
    return list(volume.glob("replaced-*"))


def _replaced(volume: Path, major: int) -> Path:
    return volume / f"replaced-{major}"


async def _throw_away(volume: Path, data: Path) -> None:
    """Out of the way first, so that a half-removed folder never looks like data."""
    doomed = await postgresql.fresh_folder(volume)

    def remove() -> None:
        data.replace(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    await asyncio.to_thread(remove)


async def _upgrade(volume: Path, old: Installed, new: Installed, template: postgresql.Template) -> None:
    data = postgresql.data_folder(volume)
    source = await template.ready()
    fresh = await postgresql.fresh_folder(volume)
    await asyncio.to_thread(shutil.copytree, source, fresh, symlinks=True, dirs_exist_ok=True)
    # Sockets need a short path, and only the owner of the folder may use them.
    with tempfile.TemporaryDirectory(prefix="pg_upgrade-") as name:
        options = f"-c hba_file={_open_access(Path(name))} -c synchronous_standby_names="
        # A server that was killed has left work that only a start finishes.
        recovery = ["--single", "-c", "synchronous_standby_names=", "-D", str(data), "postgres"]
        await postgresql.run(old, "postgres", recovery)
        folders = ["-b", str(old.programs), "-B", str(new.programs), "-d", str(data), "-D", str(fresh)]
        more = ["-U", postgresql.SUPERUSER, "-o", options, "-O", options, "--socketdir", name, "--no-sync"]
        await postgresql.run(new, "pg_upgrade", [*folders, *more], folder=Path(name))
    _exchange(data, _replaced(volume, old.major), fresh)


def _open_access(folder: Path) -> Path:
    path = folder / "hba.conf"
    path.write_text("local all all trust\n")
    return path


def _exchange(data: Path, replaced: Path, fresh: Path) -> None:
    data.replace(replaced)
    fresh.replace(data)
