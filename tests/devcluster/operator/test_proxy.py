"""The forwarding of node ports, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from devcluster.operator.ports import LOOPBACK, Ports
from devcluster.operator.proxy import Proxy, ServiceKey

KEY = ServiceKey("shop", "orders")
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def count_then_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer only once the client has closed its direction."""
    received = await reader.read(-1)
    writer.write(b"%d" % len(received))
    writer.close()


def say(word: bytes) -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(word)
        writer.close()

    return answer


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[int]:
    listener = await asyncio.start_server(answer, LOOPBACK, 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def ask(port: int, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(question)
    writer.write_eof()
    answer = await reader.read(-1)
    writer.close()
    return answer


def test_that_a_client_may_close_its_direction_and_still_gets_an_answer() -> None:
    async def story() -> bytes:
        proxy, node_port = Proxy(), Ports().choose()
        async with server(count_then_answer) as target:
            await proxy.forward(KEY, node_port=node_port, target_port=target)
            answer = await ask(node_port, b"x" * 3_000_000)
        await proxy.close_all()
        return answer

    assert asyncio.run(story()) == b"3000000"


def test_that_new_connections_follow_the_target() -> None:
    async def story() -> list[bytes]:
        proxy, node_port = Proxy(), Ports().choose()
        answers = []
        async with server(say(b"first")) as first, server(say(b"second")) as second:
            for target in (first, second):
                await proxy.forward(KEY, node_port=node_port, target_port=target)
                answers.append(await ask(node_port, b""))
        answers.append(await ask(node_port, b""))
        await proxy.close_all()
        return answers

    assert asyncio.run(story()) == [b"first", b"second", b""]


def test_that_a_closed_service_refuses_connections() -> None:
    async def story() -> bool:
        proxy, node_port = Proxy(), Ports().choose()
        async with server(say(b"here")) as target:
            await proxy.forward(KEY, node_port=node_port, target_port=target)
            proxy.close(KEY)
            try:
                await ask(node_port, b"")
            except ConnectionRefusedError:
                return True
        return False

    assert asyncio.run(story())
