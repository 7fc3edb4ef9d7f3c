"""Names for long URLs: ``POST /v1/aliases`` gives one, and ``/a/{alias}.iso`` is answered as the URL would be.

A BMC has room for a hundred characters or so, a URL with a token has five hundred, and no encryption makes a token shorter: so the
service keeps the URL, and the alias is a random name for it.  Whoever knows the alias has what the URL gives, until it expires; the
alias is treated as a secret as the URL is.  They are kept in memory, and lost with a restart; where a folder is given they are
kept there, one file each, for all replicas that share it.
"""

import asyncio
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, OperationError

DEFAULT_LIFE_S: Final = 24 * 3600
LONGEST_LIFE_S: Final = 30 * 24 * 3600
LONGEST_TARGET: Final = 4096
_MOST: Final = 4096
_NAME: Final = re.compile(r"[0-9A-Za-z_-]{22}")


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a URL.

    Attributes:
        name: a secret.
        target: path and query of this service; a secret.
        expires_s: seconds since the epoch.
    """

    name: str = field(repr=False)
    target: str = field(repr=False)
    expires_s: int


class Aliases:
    """All of them; past four thousand the oldest are dropped.  For one event loop."""

    def __init__(self, folder: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        """None are there, but for those in ``folder``; ``clock`` gives seconds since the epoch."""
        self._folder = folder
        self._now_s = clock
        self._known: OrderedDict[str, Alias] = OrderedDict()

    async def make(self, target: str, life_s: int = DEFAULT_LIFE_S) -> Alias:
        """A new alias.

        Raises:
            OperationError: the folder cannot be written.
        """
        alias = Alias(secrets.token_urlsafe(16), target, int(self._now_s()) + min(max(life_s, 1), LONGEST_LIFE_S))
        if self._folder is not None:
            await asyncio.to_thread(_write, self._folder, alias, self._now_s())
        self._remember(alias)
        return alias

    async def find(self, name: str) -> Alias | None:
        """The alias of this name, unless it has expired."""
        if _NAME.fullmatch(name) is None:
            return None
        alias = self._known.get(name)
        if alias is None and self._folder is not None:
            alias = await asyncio.to_thread(_read, self._folder, name)
            if alias is not None:
                self._remember(alias)
        if alias is not None and alias.expires_s <= self._now_s():
            self._known.pop(name, None)
            return None
        return alias

    def _remember(self, alias: Alias) -> None:
        self._known[alias.name] = alias
        if len(self._known) > _MOST:
            self._known.popitem(last=False)


def _write(folder: Path, alias: Alias, now_s: float) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for position, (changed_s, path) in enumerate(sorted(_changed(folder), reverse=True), start=1):
            if position >= _MOST or changed_s < now_s - LONGEST_LIFE_S:
                path.unlink(missing_ok=True)
        hidden = folder / f".{alias.name}"
        hidden.touch(mode=0o600)
        hidden.write_text(json.dumps({"target": alias.target, "expires_s": alias.expires_s}))
        hidden.rename(folder / f"{alias.name}.json")
    except OSError as error:
        raise OperationError(
            f"the alias cannot be kept: {error.strerror}", subject=str(folder), hint="make the folder writable for the service"
        ) from error


def _changed(folder: Path) -> Iterator[tuple[float, Path]]:
    """When each file was written; another replica may remove some meanwhile."""
    for path in folder.glob("*.json"):
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime, path


def _read(folder: Path, name: str) -> Alias | None:
    try:
        document = parse_json((folder / f"{name}.json").read_bytes(), subject="an alias")
    except (OSError, InputError):
        return None
    match document:
        case {"target": str(target), "expires_s": int(expires_s)}:
            return Alias(name, target, expires_s)
    return None
