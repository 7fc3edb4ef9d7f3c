"""``sendfile`` on a connection: the kernel moves the bytes, and this process sees none of them.

The loop's own ``sendfile`` asks the kernel three more questions for each piece, does not notice that a client goes away until it writes,
and where the first call fails reads at the position of the file, which is everybody's here.
"""

import asyncio
import errno
import os
import socket
from types import TracebackType
from typing import Final, Self

_NOT_THIS_FILE: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


class CannotSend(OSError):
    """The kernel cannot send this file: its file system has no way for it.  Nothing was sent, and reading it is no error."""


class KernelSender:
    """Sends ranges of files on a connection without TLS, while its context is open and nobody else writes.

    It waits at a second descriptor of the socket, because the first one is the transport's.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """Use the socket of ``transport``, whose buffer must be empty."""
        self._loop = asyncio.get_running_loop()
        self._socket = transport.get_extra_info("socket").dup()

    def __enter__(self) -> Self:
        """Nothing is sent yet; until the end the kernel sends whole packets only."""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Send what is left, and give the descriptor back: as long as it is there, the connection does not end."""
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        finally:
            self._socket.close()

    async def send(self, file: int, offset: int, count: int) -> int:
        """Send ``count`` bytes of the open file with this descriptor; returns how many were sent, fewer where the file ends.

        Raises:
            CannotSend: the kernel cannot send this file; nothing was sent.
            ConnectionError: the client is gone.
            OSError: the file cannot be read.
        """
        descriptor, done = self._socket.fileno(), self._loop.create_future()
        sent = 0

        def step() -> None:
            nonlocal sent
            if done.done():
                return
            try:
                piece = os.sendfile(descriptor, file, offset + sent, count - sent)
            except BlockingIOError:
                return
            except OSError as error:
                unfit = error.errno in _NOT_THIS_FILE and not sent
                done.set_exception(CannotSend(error.errno, error.strerror) if unfit else error)
                return
            sent += piece
            if sent == count or not piece:
                done.set_result(None)

        step()
        if not done.done():
            # It stays registered until all is sent: the loop calls it when the kernel has room, and only then.
            self._loop.add_writer(descriptor, step)
            try:
                await done
            finally:
                self._loop.remove_writer(descriptor)
        else:
            await done
        return sent
