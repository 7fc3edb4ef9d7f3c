"""A VHD from its file into an account, by the ports that a push uses; also as a program, which can be killed.

python -m tests.contract.azureblobs.blobpush FILE STATE   (with the connection string in ``STORAGE``)
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.unit.publish.fakefiles import FakeJournal

from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.clock import SystemClock
from penstock.adapters.files.imagecontent import LocalImageFiles
from penstock.model.progress import Progress
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.items import BuildInfo, PushItem, ReleaseInfo, VhdAttributes
from penstock.model.push.journal import JournalEvent
from penstock.ports.azureblobs import AzureBlobs
from penstock.publish.azure.blobs import WantedBlob
from penstock.publish.azure.observing import observe_blobs
from penstock.publish.azure.performing import BlobPerformer
from penstock.publish.azure.planning import BlobPlanner
from penstock.publish.execution import TargetEnd, execute
from penstock.publish.plan import Plan, PlanBuilder

ALIAS = AccountAlias.parse("azure-na")
BUILD = {"nvra": "rhel-9.4-1.x86_64", "name": "rhel", "version": "9.4", "release": "1", "arch": "x86_64", "buildid": "7"}


@dataclass
class BlobPush:
    """A push and what it told.

    Attributes:
        plan: what was to be done.
        end: of its only target.
        events: of its journal.
        progress: of bytes.
    """

    plan: Plan
    end: TargetEnd
    events: list[JournalEvent]
    progress: list[Progress] = field(default_factory=list)


async def push_file(store: AzureBlobs, path: Path, state: Path, container: str, tell: Callable[[Progress], None] | None = None) -> BlobPush:
    """Push one file as a blob of its own name without ``.xz``."""
    told: list[Progress] = []
    hear = tell or told.append
    release = ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64")
    item = PushItem(name=path.name, src=str(path), build=BuildInfo("rhel", "9.4", "1"), release=release, attributes=VhdAttributes())
    files = LocalImageFiles(state)
    content = await files.measure(item, keep=True, progress=hear)
    wanted = WantedBlob(account=ALIAS.text, container=container, name=item.object_name, content=content, tags=BUILD)
    builder = PlanBuilder()
    builder.target("rhel", [BlobPlanner(builder, await observe_blobs([wanted], {ALIAS: store})).blob(wanted)])
    plan, journal, clock = builder.plan(), FakeJournal(), SystemClock()
    performer = BlobPerformer({ALIAS: store}, files, {str(content.digest): content}, {}, clock=clock, wait=asyncio.sleep)
    ends = execute(plan, performer, journal, clock, progress=hear, watcher=lambda *_: None)
    async with aclosing(ends):
        (end,) = [each async for each in ends]
    return BlobPush(plan, end, journal.events, told)


async def _main(path: Path, state: Path) -> None:
    client = AzureBlobClient(parse_connection_string(os.environ["STORAGE"]), BlobOptions(), SystemClock())
    try:
        pushed = await push_file(client, path, state, "pubupload")
    finally:
        await client.close()
    if pushed.end.failure is not None:
        raise pushed.end.failure.error


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2])))
