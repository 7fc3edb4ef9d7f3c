"""Small files that are watched for changes.

By looking, not by being told: a ConfigMap or Secret is replaced under a chain of links, an editor renames, a network file system says
nothing; what all of these have in common is that the content is another one when it is read again.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path


async def changes(paths: Sequence[Path], *, every_s: float) -> AsyncIterator[tuple[Path, ...]]:
    """The files whose content is another one than at the last look, each time there are any; a file that is gone has changed too.

    Args:
        paths: small files; what cannot be read counts as gone.
        every_s: how long to wait between two looks.
    """
    seen = await asyncio.to_thread(_look, paths)
    while True:
        await asyncio.sleep(every_s)
        now = await asyncio.to_thread(_look, paths)
        changed = tuple(path for path in paths if now[path] != seen[path])
        seen = now
        if changed:
            yield changed


def _look(paths: Sequence[Path]) -> dict[Path, str]:
    return {path: _fingerprint(path) for path in paths}


def _fingerprint(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
