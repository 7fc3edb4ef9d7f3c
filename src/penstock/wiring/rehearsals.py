"""What a rehearsal must know before it begins: where the images of the sources go, by the user's own mappings."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from penstock.wiring.publish import RunSettings, open_starmap
from penstock.wiring.pushes import open_files

if TYPE_CHECKING:
    from penstock.model.starmap import StarmapWorkflow
    from penstock.publish.needs import PushNeeds


async def find_needs(settings: RunSettings, workflows: "Sequence[StarmapWorkflow]") -> "PushNeeds":
    """What a push needs; the sources are listed, and mappings are asked for as the push itself will.  No cloud is asked.

    Raises:
        PenstockError: a source cannot be listed.
    """
    from penstock.publish.mapping import Mappings
    from penstock.publish.needs import needs_of

    async with AsyncExitStack() as stack:
        sources, _ = open_files(settings)
        mappings = Mappings(settings.starmap.local, await stack.enter_async_context(open_starmap(settings.starmap)))
        listings = await asyncio.gather(*(source.load() for source in sources))
        items = dict(enumerate(item for listing in listings for item in listing.items))
        return needs_of([(workflow, await mappings.resolve(items, workflow)) for workflow in workflows])
