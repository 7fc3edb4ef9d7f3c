"""What is in the files of a push, each read once."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

from penstock.model.errors import PenstockError
from penstock.model.push.content import ImageContent
from penstock.model.push.items import PushItem
from penstock.ports import ProgressSink
from penstock.ports.publish import ImageFiles
from penstock.publish.targets import Target


def sources_of(targets: Iterable[Target]) -> dict[str, PushItem]:
    """The items of the source that these targets are made of, by their ``src``."""
    return {target.source.src: target.source for target in targets}


async def measured(
    sources: Mapping[str, PushItem], files: ImageFiles, progress: ProgressSink, *, keep: bool
) -> tuple[dict[str, ImageContent], dict[str, PenstockError]]:
    """The contents of all files, by ``src``, and why the others could not be measured.

    Args:
        sources: items by their ``src``.
        files: reads them.
        progress: told of bytes.
        keep: see :meth:`penstock.ports.publish.ImageFiles.measure`.
    """
    measures = (files.measure(item, keep=keep, progress=progress) for item in sources.values())
    contents: dict[str, ImageContent] = {}
    unmeasured: dict[str, PenstockError] = {}
    for src, found in zip(sources, await asyncio.gather(*measures, return_exceptions=True), strict=True):
        if isinstance(found, PenstockError):
            unmeasured[src] = found
        elif isinstance(found, BaseException):
            raise found
        else:
            contents[src] = replace(found, src=src)
    return contents, unmeasured
