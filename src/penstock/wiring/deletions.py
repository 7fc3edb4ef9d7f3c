"""Deletions, opened."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from penstock.wiring.publish import RunSettings, open_rhsm
from penstock.wiring.pushes import OpenPush, credentials_of, open_aws, open_files, open_projects, open_storages, surroundings

if TYPE_CHECKING:
    from penstock.ports import ProgressSink
    from penstock.publish.delete.deleting import DeleteAsk
    from penstock.publish.execution import Limits, StepWatcher


@asynccontextmanager
async def open_deletion(
    settings: RunSettings, ask: "DeleteAsk", limits: "Limits", *, progress: "ProgressSink", watcher: "StepWatcher"
) -> "AsyncIterator[OpenPush]":
    """Everything that a deletion works on; nothing is asked yet.

    Raises:
        InputError: a setting is wrong.
        NotFoundError: a file of credentials or certificates is not there.
        OperationError: boto3, or the library of a source, is not installed.
    """
    from penstock.publish.delete.deleting import DeleteAmis, DeleteGceImages, DeleteOutside, DeleteVhds

    async with AsyncExitStack() as stack:
        sources, files = open_files(settings)
        credentials = credentials_of(settings)
        outside = DeleteOutside(
            credentials=credentials,
            aws=await open_aws(settings, stack),
            blobs=open_storages(stack),
            gcp=await open_projects(settings, stack),
            rhsm=await stack.enter_async_context(open_rhsm(settings.rhsm)),
        )
        workflows = (DeleteAmis(ask, outside), DeleteVhds(ask, outside), DeleteGceImages(ask, outside))
        yield OpenPush(sources=sources, workflows=workflows, around=surroundings(files, limits, progress=progress, watcher=watcher))
