"""Starting, adopting and stopping of real processes."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from devcluster.operator.processes import Launch, PodKey, Processes, ServerError

KEY = PodKey("shop", "orders-0")
OWNER = ("postgreses", "shop", "orders")


async def at_once() -> bool:
    return True


async def never() -> bool:
    return False


def launch(script: str, ready: Callable[[], Coroutine[Any, Any, bool]] = at_once) -> Launch:
    return Launch(
        argv=["sh", "-c", script], port=0, stop_signal=signal.SIGTERM, owner=OWNER, ready=ready, within_seconds=5
    )


def test_that_another_operator_adopts_a_running_server(tmp_path: Path) -> None:
    async def story() -> tuple[int, int, set[tuple[str, str, str]], bool]:
        first = Processes(tmp_path, lambda *_: None)

        async def is_recorded() -> bool:
            return (tmp_path / "processes/shop/orders-0/process").exists()

        started = await first.ensure(KEY, launch("exec sleep 60", is_recorded))
        second = Processes(tmp_path, lambda *_: None)
        second.adopt_all()
        adopted = await second.ensure(KEY, launch("exec sleep 61"))
        owners = second.owners()
        await second.stop(KEY, grace_seconds=5)
        await started.exited.wait()
        return started.pid, adopted.pid, owners, second.running(KEY) is None

    started, adopted, owners, is_stopped = asyncio.run(story())

    assert adopted == started
    assert (owners, is_stopped) == ({OWNER}, True)


def test_that_a_recycled_process_id_is_not_adopted(tmp_path: Path) -> None:
    folder = tmp_path / "processes/shop/orders-0"
    folder.mkdir(parents=True)
    words = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()
    words[19] = str(int(words[19]) - 1)
    (folder / "process").write_text(f"{os.getpid()} (other) {' '.join(words)}")
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record = {"port": 1, "stop_signal": signal.SIGKILL, "owner": OWNER, "boot_id": boot_id}
    (folder / "record.json").write_text(json.dumps(record))

    async def story() -> bool:
        processes = Processes(tmp_path, lambda *_: None)
        processes.adopt_all()
        return processes.running(KEY) is None

    assert asyncio.run(story())


def test_that_a_server_that_ends_while_starting_tells_its_last_words(tmp_path: Path) -> None:
    async def story() -> None:
        processes = Processes(tmp_path, lambda *_: None)
        await processes.ensure(KEY, launch("echo no room left; exit 3", never))

    with pytest.raises(ServerError, match="no room left"):
        asyncio.run(story())


def test_that_a_server_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    async def story() -> bool:
        processes = Processes(tmp_path, lambda *_: None)
        mark = tmp_path / "deaf"

        async def is_deaf() -> bool:
            return mark.exists()

        script = f"trap '' TERM; touch {mark}; while :; do sleep 1; done"
        await processes.ensure(KEY, launch(script, is_deaf))
        await processes.stop(KEY, grace_seconds=0.2)
        return processes.running(KEY) is None

    assert asyncio.run(story())


def test_that_a_death_is_told_with_its_owner(tmp_path: Path) -> None:
    async def story() -> tuple[object, ...]:
        told: asyncio.Future[tuple[object, ...]] = asyncio.get_running_loop().create_future()
        processes = Processes(tmp_path, lambda *what: told.set_result(what))
        server = await processes.ensure(KEY, launch("exec sleep 60"))
        os.kill(server.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            return await told

    assert asyncio.run(story())[:2] == (OWNER, KEY)
