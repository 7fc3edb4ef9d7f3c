"""Small files that are watched for changes.

By looking, not by being told: a ConfigMap or Secret is replaced under a chain of links, an editor renames, a network file system says
nothing; what all of these have in common is that the content is another one when it is read again.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path


async def look(paths: Sequence[Path]) -> Mapping[Path, str]:
    """What stands in small files now: by path something that is another one when the content is; ``""`` of what cannot be read."""
    return await asyncio.to_thread(lambda: {path: _fingerprint(path) for path in paths})


async def changes(seen: Mapping[Path, str], *, every_s: float) -> AsyncIterator[tuple[Path, ...]]:
    """The files whose content is another one than at the last look, each time there are any; a file that is gone has changed too.

    Args:
        seen: what :func:`look` gave before the files were read: what changes while they are read is told then.
        every_s: how long to wait between two looks.
    """
    while True:
        await asyncio.sleep(every_s)
        before, seen = seen, await look(tuple(seen))
        changed = tuple(path for path in seen if seen[path] != before[path])
        if changed:
            yield changed


def _fingerprint(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
