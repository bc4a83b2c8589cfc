"""The work queue: one task per key, nothing forgotten, failures repeated."""

import asyncio

from devcluster.operator.queue import WorkQueue


def test_that_a_key_added_during_its_work_is_worked_on_again_but_never_twice_at_once() -> None:
    async def story() -> tuple[int, int]:
        calls, at_once, most_at_once = 0, 0, 0
        done = asyncio.Event()

        async def work(_: str) -> None:
            nonlocal calls, at_once, most_at_once
            calls, at_once = calls + 1, at_once + 1
            most_at_once = max(most_at_once, at_once)
            if calls == 1:
                queue.add("a")
                queue.add("a")
            await asyncio.sleep(0)
            at_once -= 1
            if calls == 2:
                done.set()

        queue: WorkQueue[str] = WorkQueue(work, expected=())
        queue.add("a")
        async with asyncio.timeout(5):
            await done.wait()
        await queue.close()
        return calls, most_at_once

    assert asyncio.run(story()) == (2, 1)


def test_that_failed_work_is_repeated() -> None:
    async def story() -> int:
        calls, done = 0, asyncio.Event()

        async def work(_: str) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise OSError("not yet")
            done.set()

        queue: WorkQueue[str] = WorkQueue(work, expected=(OSError,))
        queue.add("a")
        async with asyncio.timeout(5):
            await done.wait()
        await queue.close()
        return calls

    assert asyncio.run(story()) == 2


def test_that_the_earlier_of_two_pauses_wins() -> None:
    async def story() -> float:
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        async def work(_: str) -> None:
            done.set()

        queue: WorkQueue[str] = WorkQueue(work, expected=())
        started = loop.time()
        queue.add_after("a", 0.05)
        queue.add_after("a", 60)
        async with asyncio.timeout(5):
            await done.wait()
        await queue.close()
        return loop.time() - started

    assert asyncio.run(story()) < 5
