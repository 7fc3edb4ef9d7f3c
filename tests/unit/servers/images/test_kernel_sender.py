"""Ranges of files that the kernel sends."""

import asyncio
import os
from pathlib import Path

import pytest

from penstock.servers.images.kernel import CannotSend, KernelSender

CONTENT = bytes(range(256)) * 8192


async def got_from(path: Path, offset: int, count: int) -> tuple[bytes, int | None]:
    """What a client gets of a file, and how many bytes were sent; None where the kernel cannot send it."""
    done = asyncio.get_running_loop().create_future()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        file = os.open(path, os.O_RDONLY)
        try:
            assert isinstance(writer.transport, asyncio.Transport)
            with KernelSender(writer.transport) as sender:
                done.set_result(await sender.send(file, offset, count))
        except CannotSend:
            done.set_result(None)
        finally:
            os.close(file)
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        content = await reader.read()
        writer.close()
        await writer.wait_closed()
        return content, await done


def test_a_range_larger_than_the_sockets_buffers_comes_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert asyncio.run(got_from(tmp_path / "file", 1000, len(CONTENT) - 1000)) == (CONTENT[1000:], len(CONTENT) - 1000)


def test_a_file_that_ends_early_is_told_by_the_count(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert asyncio.run(got_from(tmp_path / "file", 0, len(CONTENT) + 1)) == (CONTENT, len(CONTENT))


@pytest.mark.parametrize("path", ["/proc/self/environ", "/"], ids=["a file that is made when it is read", "a folder"])
def test_what_the_kernel_cannot_send_is_told_and_nothing_is_sent(path: str) -> None:
    assert asyncio.run(got_from(Path(path), 0, 10)) == (b"", None)
