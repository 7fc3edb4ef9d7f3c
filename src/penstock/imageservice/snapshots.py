"""Snapshots that were made, so that the thousand small reads of one client see one file and the backend is asked once.

A request that begins (no range, or one from byte 0) is answered with what the backend said within ``validity_s``, else it is asked again.
A request for a later range goes on with the snapshot that was read within ``session_idle_s`` and confirmed within ``session_limit_s``.
Concurrent requests for one file share one round of questions, which goes on although the one who began it went away.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from penstock.imageservice.figures import Figure
from penstock.imageservice.options import ServiceOptions
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.digest import Digest

_ENTRY_BYTES = 4096
"""What an entry costs besides its literal bytes, roughly: so many tiny ones do not fill the memory either."""


class Flavour(StrEnum):
    """Which of a host's files."""

    FULL = "full"
    MINIMAL = "minimal"
    DISCONNECTED = "disconnected"
    INITRD = "initrd"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class SnapshotKey:
    """Whose snapshot of what.

    Attributes:
        host: the UUID of the infra-env.
        version: as it was asked for.
        arch: of the image.
        flavour: which file.
        credentials: the fingerprint of what was shown: who shows something else asks the backend first.
        sha512: of a config that a pointer names: which one, in hexadecimal; else ``""``.
    """

    host: str
    version: str
    arch: Arch | None
    flavour: Flavour
    credentials: str = field(repr=False)
    sha512: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot, and what it was made of.

    Attributes:
        snapshot: what is sent.
        answer: tells one answer of the backend from another; a hash.
        image: the digest of the ISO that it lies over.
        literal_bytes: what it holds in memory, with ``config``.
        config: what the pointer in it names, where it has one.
        sha512: of that, in hexadecimal.
    """

    snapshot: Snapshot
    answer: bytes
    image: Digest
    literal_bytes: int
    config: Snapshot | None = None
    sha512: str = ""


Make: TypeAlias = Callable[[Kept | None], Awaitable[Kept]]
"""Asks the backend; it may give back what it is given, where that is still so."""


@dataclass(slots=True)
class _Entry:
    kept: Kept
    checked_s: float
    """When the questions began to which the backend gave this answer."""
    read_s: float
    before: "_Entry | None" = None
    """The one that stood here before, for clients that are in the middle of it and say so by its ETag."""

    @property
    def cost_bytes(self) -> int:
        return self.kept.literal_bytes + _ENTRY_BYTES + (self.before.cost_bytes if self.before else 0)


class SnapshotCache:
    """Snapshots by key, the least recently read ones dropped first; for one event loop."""

    def __init__(self, options: ServiceOptions, monotonic: Callable[[], float]) -> None:
        """An empty cache.

        Args:
            options: the rules.
            monotonic: seconds, as ``time.monotonic``.
        """
        self._options = options
        self._now_s = monotonic
        self._entries: OrderedDict[SnapshotKey, _Entry] = OrderedDict()
        self._rounds: dict[tuple[SnapshotKey, Digest], asyncio.Task[Kept]] = {}
        self._cost_bytes = 0
        self._hits = self._misses = self._new = 0

    def __len__(self) -> int:
        """How many keys have a snapshot."""
        return len(self._entries)

    @property
    def cost_bytes(self) -> int:
        """What all of them hold in memory, roughly."""
        return self._cost_bytes

    def running(self, key: SnapshotKey, etag: str = "") -> Snapshot | None:
        """The snapshot that a client is in the middle of, or None where it must begin.

        Args:
            key: whose.
            etag: the one that the client has seen, or ``""``.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        now_s = self._now_s()
        if entry.before is not None and entry.before.kept.snapshot.etag == etag and self._is_running(entry.before, now_s):
            entry.before.read_s = now_s
            self._entries.move_to_end(key)
            self._hits += 1
            return entry.before.kept.snapshot
        return self._read(key, entry, now_s) if self._is_running(entry, now_s) else None

    def pointed(self, key: SnapshotKey, sha512: str) -> Snapshot | None:
        """The config that a pointer in a snapshot names, as long as that may be gone on with; who fetches it is in the middle of booting.

        Args:
            key: of the snapshot with the pointer.
            sha512: of the config, in hexadecimal.
        """
        found, now_s = self._entries.get(key), self._now_s()
        for entry in (found, found.before if found is not None else None):
            if entry is not None and entry.kept.config is not None and entry.kept.sha512 == sha512 and self._is_running(entry, now_s):
                entry.read_s = now_s
                self._entries.move_to_end(key)
                self._hits += 1
                return entry.kept.config
        return None

    async def begun(self, key: SnapshotKey, image: Digest, make: Make) -> Snapshot:
        """The snapshot for a client that begins.

        Args:
            key: whose.
            image: the digest of the ISO that is served now; a snapshot of another one does not count.
            make: asks the backend; called by one of concurrent callers.

        Raises:
            Exception: of ``make``; a snapshot that is there stays.
        """
        entry, now_s = self._entries.get(key), self._now_s()
        if entry is not None and entry.kept.image == image and now_s - entry.checked_s < self._options.validity_s:
            return self._read(key, entry, now_s)
        self._misses += 1
        name = (key, image)
        task = self._rounds.get(name)
        if task is None:
            task = asyncio.create_task(self._round(key, image, make))
            self._rounds[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        # Shielded: who waits may go away, the round is the others' too.
        return (await asyncio.shield(task)).snapshot

    def drop(self, host: str, credentials: str) -> None:
        """Forget what a host gets with these credentials: the backend gives it no longer."""
        for key in [key for key in self._entries if key.host == host and key.credentials == credentials]:
            self._remove(key)

    def sweep(self) -> None:
        """Forget what nobody may go on with, so that files of images that are gone are closed."""
        now_s = self._now_s()
        for key, entry in list(self._entries.items()):
            if entry.before is not None and not self._is_running(entry.before, now_s):
                self._cost_bytes -= entry.before.cost_bytes
                entry.before = None
            if entry.before is None and not self._is_running(entry, now_s) and not self._is_valid(entry, now_s):
                self._remove(key)

    def figures(self) -> tuple[Figure, ...]:
        """What metrics tell of it."""
        return (
            Figure("snapshot_hits_total", "How many requests were answered with a snapshot that was held.", self._hits),
            Figure("snapshot_misses_total", "How many requests had the backend asked, or waited while it was.", self._misses),
            Figure("snapshots_made_total", "How many snapshots were made, each of other bytes than the one before.", self._new),
            Figure("snapshots_held", "How many hosts' files are held.", len(self)),
            Figure("snapshots_held_bytes", "How much memory they take, roughly.", self._cost_bytes),
        )

    async def close(self) -> None:
        """Forget everything, and wait for the rounds under way to end."""
        tasks = list(self._rounds.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._entries.clear()
        self._cost_bytes = 0

    def _is_valid(self, entry: _Entry, now_s: float) -> bool:
        return now_s - entry.checked_s < self._options.validity_s

    def _is_running(self, entry: _Entry, now_s: float) -> bool:
        return now_s - entry.read_s <= self._options.session_idle_s and now_s - entry.checked_s <= self._options.session_limit_s

    def _read(self, key: SnapshotKey, entry: _Entry, now_s: float) -> Snapshot:
        entry.read_s = now_s
        self._entries.move_to_end(key)
        self._hits += 1
        return entry.kept.snapshot

    async def _round(self, key: SnapshotKey, image: Digest, make: Make) -> Kept:
        began_s = self._now_s()
        entry = self._entries.get(key)
        kept = await make(entry.kept if entry is not None and entry.kept.image == image else None)
        self._store(key, kept, began_s)
        return self._entries[key].kept

    def _store(self, key: SnapshotKey, kept: Kept, checked_s: float) -> None:
        now_s = self._now_s()
        old = self._entries.get(key)
        self._remove(key)
        if old is None:
            new = _Entry(kept, checked_s, now_s)
            self._new += 1
        elif old.kept.snapshot.etag == kept.snapshot.etag:
            # The same bytes: the object that clients are in the middle of stays, and so does its date.
            new = _Entry(replace(kept, snapshot=old.kept.snapshot), checked_s, now_s, old.before)
        else:
            old.before = None
            self._new += 1
            new = _Entry(kept, checked_s, now_s, old if self._is_running(old, now_s) else None)
        self._entries[key] = new
        self._cost_bytes += new.cost_bytes
        while self._cost_bytes > self._options.cache_bytes and len(self._entries) > 1:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: SnapshotKey) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._cost_bytes -= entry.cost_bytes

    def _ended(self, name: tuple[SnapshotKey, Digest], task: asyncio.Task[Kept]) -> None:
        del self._rounds[name]
        if not task.cancelled():
            task.exception()  # looked at: it is no news to anybody if all who waited went away
