"""A client of image services that costs next to nothing, so that it is never what is waited for.

    python benchmarks/_iso_client.py PORT TARGET download|ranges|slow

Prints one number: GB/s of a whole download; the median milliseconds of 1 KiB from anywhere, on a connection that stays; or how many slow
clients were served.  A program of its own, whose processor time and memory are not those of a server.
"""

import random
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Final

RANGES: Final = 2000
SLOW_CLIENTS: Final = 200
SLOW_S: Final = 8.0
_ROOM: Final = bytearray(4 << 20)
"""The kernel writes nothing there, but wants to know a place of the size."""


@contextmanager
def connected(port: int, buffer_bytes: int = 0) -> Iterator[socket.socket]:
    """A connection to the server."""
    with socket.socket() as client:
        if buffer_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect(("127.0.0.1", port))
        yield client


def request(target: str, headers: str = "") -> bytes:
    """A request for the file."""
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()


def read_head(client: socket.socket) -> tuple[int, int]:
    """Read the head of an answer: its Content-Length, and how many bytes of the body came with it."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = client.recv(1024)
        if not piece:
            raise SystemExit(f"no answer: {got[:200]!r}")
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    if not lines[0].startswith(("http/1.1 200", "http/1.1 206")):
        raise SystemExit(f"not the file: {lines[0]}")
    return next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")), len(body)


def throw_away(client: socket.socket, count: int) -> None:
    """Receive so many bytes, which stay in the kernel (``man 7 tcp``: ``MSG_TRUNC``)."""
    while count:
        got = client.recv_into(_ROOM, min(count, len(_ROOM)), socket.MSG_TRUNC)
        if not got:
            raise SystemExit("the connection ended early")
        count -= got


def download(port: int, target: str) -> float:
    """All of the file: GB/s."""
    began_s = time.perf_counter()
    with connected(port) as client:
        client.sendall(request(target, "Connection: close\r\n"))
        size, came = read_head(client)
        throw_away(client, size - came)
    return size / 1e9 / (time.perf_counter() - began_s)


def ranges(port: int, target: str) -> float:
    """Many times 1 KiB, as a BMC reads: the median in milliseconds."""
    numbers, times_s = random.Random(1), []
    with connected(port) as client:
        client.sendall(request(target, "Connection: close\r\n"))
        size, _ = read_head(client)
    with connected(port) as client:
        for _ in range(RANGES):
            start = numbers.randrange(1, size - 1024)
            asked = request(target, f"Range: bytes={start}-{start + 1023}\r\n")
            began_s = time.perf_counter()
            client.sendall(asked)
            length, came = read_head(client)
            throw_away(client, length - came)
            times_s.append(time.perf_counter() - began_s)
    return float(median(times_s) * 1000)


def slow(port: int, target: str) -> float:
    """Many clients that each take a little now and then: how many."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(port, 64 << 10)) for _ in range(SLOW_CLIENTS)]
        for client in clients:
            client.sendall(request(target))
        for client in clients:
            read_head(client)
        deadline_s = time.monotonic() + SLOW_S
        while time.monotonic() < deadline_s:
            for client in clients:
                throw_away(client, 32 << 10)
            time.sleep(0.2)
        return len(clients)


KINDS: Final[Mapping[str, Callable[[int, str], float]]] = {"download": download, "ranges": ranges, "slow": slow}

if __name__ == "__main__":
    print(KINDS[sys.argv[3]](int(sys.argv[1]), sys.argv[2]))
