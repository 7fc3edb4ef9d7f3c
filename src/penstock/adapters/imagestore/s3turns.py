"""Whose turn it is among replicas that share nothing but a bucket: one object for each key, written under conditions.

Who has the turn rewrites the object every now and then.  Nobody's clock is believed: a turn has expired when somebody has seen the object
unchanged for long enough by his own clock, and takes it over on the condition that it is still the same.  A turn that ends leaves the
object behind, as free: removing it could hit the object of the next.
"""

import asyncio
import contextlib
import secrets
import time
from types import TracebackType
from typing import Self

import structlog

from penstock.adapters.imagestore.s3bucket import Bucket
from penstock.adapters.imagestore.threads import Threads
from penstock.model.errors import PenstockError

_FREE = b"free\n"
_LIMIT_BYTES = 1024
_BEATS_PER_EXPIRY = 4


class Turn:
    """A turn that was taken; the context gives it back."""

    def __init__(self, turns: "Turns", name: str, tag: str) -> None:
        self._turns = turns
        self._name = name
        self._tag: str | None = tag
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to tell the others that this replica is alive."""
        self._beat = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let the next one in; where that cannot be told, it expires."""
        if self._beat is not None:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beat
        await self.give_back()

    async def give_back(self) -> None:
        """Let the next one in."""
        if self._tag is not None:
            with contextlib.suppress(PenstockError):
                await self._turns.write(self._name, _FREE, self._tag)

    async def _keep(self) -> None:
        while self._tag is not None:
            await asyncio.sleep(self._turns.beat_s)
            writing = asyncio.ensure_future(self._turns.write(self._name, self._turns.sign(), self._tag))
            try:
                self._tag = await asyncio.shield(writing)
            except PenstockError as error:
                _log().warning("the other replicas could not be told that this one is at work", reason=str(error))
                continue
            except asyncio.CancelledError:
                # What is on its way when the work ends changes the tag, and with the old one nothing could be given back.
                await asyncio.wait([writing])
                if not writing.cancelled() and writing.exception() is None:
                    self._tag = writing.result()
                raise
            if self._tag is None:
                _log().warning("another replica took over what this one is at work on: it was silent for too long")


class Turns:
    """The turns of all keys; for one event loop."""

    def __init__(self, bucket: Bucket, threads: Threads, *, expiry_s: float) -> None:
        """Take none yet.

        Args:
            bucket: holds the objects.
            threads: that it is asked in.
            expiry_s: how long a turn is respected whose holder says nothing more.
        """
        self._bucket = bucket
        self._threads = threads
        self._expiry_s = expiry_s
        self._owner = secrets.token_hex(8)
        self._seen: dict[str, tuple[str, float]] = {}
        self.beat_s = expiry_s / _BEATS_PER_EXPIRY

    async def take(self, name: str) -> Turn | None:
        """The turn of ``name``, or None while another has it."""
        work = asyncio.ensure_future(self._threads.run(self._taken, name))
        try:
            tag = await asyncio.shield(work)
        except asyncio.CancelledError:
            # The thread goes on, and the turn that it gets is given back.
            with contextlib.suppress(PenstockError):
                tag = await work
                if tag is not None:
                    await Turn(self, name, tag).give_back()
            raise
        return None if tag is None else Turn(self, name, tag)

    async def write(self, name: str, content: bytes, tag: str) -> str | None:
        """Rewrite the object if it is still the one with ``tag``; its new tag, or None where it is another."""
        return await self._threads.run(self._written, _place(name), content, tag)

    def sign(self) -> bytes:
        """What this replica writes, never the same twice."""
        return f"{self._owner} {secrets.token_hex(8)}\n".encode()

    def _taken(self, name: str) -> str | None:
        place = _place(name)
        found = self._bucket.get(place, limit_bytes=_LIMIT_BYTES)
        if found is not None and found.content != _FREE and not self._expired(name, found.tag):
            return None
        tag = self._written(place, self.sign(), None if found is None else found.tag)
        if tag is None:
            return None
        if found is not None and found.content != _FREE:
            _log().warning("a replica that was bringing an image is silent; this one takes over")
        return tag

    def _written(self, place: str, content: bytes, tag: str | None) -> str | None:
        """Write under the condition, and look what stands there.

        A try whose answer was lost makes the next one fail although it was the one that wrote; and a service that knows no conditions lets
        everybody write, where the last one has the turn.
        """
        self._bucket.put_if(place, content, tag=tag)
        kept = self._bucket.get(place, limit_bytes=_LIMIT_BYTES)
        return kept.tag if kept is not None and kept.content == content else None

    def _expired(self, name: str, tag: str) -> bool:
        now_s = time.monotonic()
        seen = self._seen.get(name)
        if seen is None or seen[0] != tag:
            self._seen[name] = (tag, now_s)
            return False
        return now_s - seen[1] >= self._expiry_s


def _place(name: str) -> str:
    return f"turns/{name}"


def _log() -> "structlog.stdlib.BoundLogger":
    return structlog.get_logger("penstock.images")  # type: ignore[no-any-return]
