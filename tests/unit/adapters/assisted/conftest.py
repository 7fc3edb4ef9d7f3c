"""A server that answers exactly what a test says, and writes down exactly what came."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest


@dataclass
class Scripted:
    """A running server.

    Attributes:
        host: ``HOST:PORT``.
        heads: the head of each request, as it came.
        connections: how many there were.
    """

    host: str = ""
    heads: list[str] = field(default_factory=list)
    connections: int = 0


Script = Callable[[Sequence[bytes | None]], AbstractAsyncContextManager[Scripted]]


@pytest.fixture
def scripted() -> Script:
    """``async with scripted([answer, …]) as server``: the answers in the order of the requests; None closes the connection instead."""

    @asynccontextmanager
    async def start(answers: Sequence[bytes | None]) -> AsyncIterator[Scripted]:
        told = Scripted()
        left = list(answers)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            told.connections += 1
            try:
                while left:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                    told.heads.append(head)
                    answer = left.pop(0)
                    if answer is None:
                        return
                    writer.write(answer)
                    await writer.drain()
            except asyncio.IncompleteReadError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        told.host = f"{host}:{port}"
        try:
            yield told
        finally:
            server.close()
            await server.wait_closed()

    return start
