"""Imports of objects as snapshots: tasks that run for a while, and are found by their token and their description."""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from penstock.simulators.aws.callers import Caller
from penstock.simulators.aws.disks import Disks
from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.aws.mounted import MountedMoto
from penstock.simulators.aws.query import Xml, listed, page_of, required, specified_tags, tag_set, xml_answer
from penstock.simulators.cloud.operations import Refusal

_GIB = 1 << 30


@dataclass(slots=True, kw_only=True)
class ImportRun:
    """An import; it begins and ends by itself.

    Attributes:
        id: ``import-snap-…``.
        caller: who began it.
        token: ``ClientToken``.
        description: of the task.
        bucket: of the object.
        key: of the object.
        size_bytes: of the object; None where there was none.
        begun_s: of the monotonic clock.
        failure: what it ends with, or ``""``.
        snapshot: its id, once it is there.
        tags: of the task.
    """

    id: str
    caller: Caller
    token: str
    description: str
    bucket: str
    key: str
    size_bytes: int | None
    begun_s: float
    failure: str = ""
    snapshot: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


class Imports:
    """The imports of all regions.

    Args:
        moto: has the objects.
        disks: where the snapshots come to be.
        latencies: how long it takes.

    Attributes:
        refused: imports whose description this expression finds fail; None for none.
    """

    def __init__(self, moto: MountedMoto, disks: Disks, latencies: Latencies) -> None:
        self.refused: re.Pattern[str] | None = None
        self._moto = moto
        self._disks = disks
        self._latencies = latencies
        self._tasks: dict[str, ImportRun] = {}

    def all(self, region: str) -> tuple[ImportRun, ...]:
        """Of all accounts."""
        return tuple(task for task in self._tasks.values() if task.caller.region == region)

    async def start(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``ImportSnapshot``: of raw disks in buckets.  An object that is not there fails later, as EC2 looks later."""
        if form.get("DiskContainer.Format", "").upper() != "RAW":
            raise Refusal(400, "InvalidParameter", "The format of the disk is not served here: only raw is")
        bucket, key = required(form, "DiskContainer.UserBucket.S3Bucket"), required(form, "DiskContainer.UserBucket.S3Key")
        described, token = form.get("Description", ""), form.get("ClientToken", "")
        size_bytes = await self._moto.size_of(caller.account, caller.region, bucket, key)
        same = next(
            (task for task in self.all(caller.region) if token and (task.caller.account, task.token) == (caller.account, token)), None
        )
        if same is not None:
            if (same.bucket, same.key, same.description) != (bucket, key, described):
                message = f"The client token {token} was used already, with other parameters"
                raise Refusal(400, "IdempotentParameterMismatch", message)
            return self._told("ImportSnapshot", same)
        task = ImportRun(
            id=f"import-snap-{secrets.token_hex(9)[:17]}",
            caller=caller,
            token=token,
            description=described,
            bucket=bucket,
            key=key,
            size_bytes=size_bytes,
            begun_s=time.monotonic(),
            failure=self._failure(bucket, described, size_bytes, caller),
            tags=specified_tags(form, "import-snapshot-task"),
        )
        self._tasks[task.id] = task
        return self._told("ImportSnapshot", task)

    def describe(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``DescribeImportSnapshotTasks``."""
        self.settle()
        ids = listed(form, "ImportTaskId")
        seen = {task.id: task for task in self.all(caller.region) if task.caller.account == caller.account}
        missing = [one for one in ids if one not in seen]
        if missing:
            raise Refusal(400, "InvalidConversionTaskId.NotFound", f"The task ID '{missing[0]}' is not found.")
        page, token = page_of([task for task in seen.values() if not ids or task.id in ids], form, lambda task: task.id)
        items: list[Xml] = [self._item(task) for task in page]
        return xml_answer("DescribeImportSnapshotTasks", {"importSnapshotTaskSet": items, "nextToken": token})

    def settle(self) -> None:
        """Have the snapshots of all imports whose time is over."""
        for task in self._tasks.values():
            if not task.snapshot and not task.failure and time.monotonic() >= task.begun_s + self._latencies.import_:
                size_gib = max(1, -(-(task.size_bytes or 0) // _GIB))
                origin, described = f"s3://{task.bucket}/{task.key}", f"Created by AWS-VMImport service for {task.id}"
                task.snapshot = self._disks.make(task.caller, size_gib=size_gib, description=described, after_s=0, origin=origin).id

    def _failure(self, bucket: str, described: str, size_bytes: int | None, caller: Caller) -> str:
        if self._moto.owner_of(bucket) not in (None, caller.account):
            return "ClientError: The given S3 object is not accessible"
        if size_bytes is None:
            return "ClientError: No valid partitions: the S3 object does not exist"
        if size_bytes == 0 or (self.refused is not None and self.refused.search(described)):
            return "ClientError: Disk validation failed"
        return ""

    def _told(self, action: str, task: ImportRun) -> web.Response:
        self.settle()
        item = self._item(task)
        return xml_answer(action, item)

    def _item(self, task: ImportRun) -> dict[str, Xml]:
        passed = (time.monotonic() - task.begun_s) / self._latencies.import_ if self._latencies.import_ else 1.0
        over = passed >= 1
        status = "active" if not over else "deleted" if task.failure else "completed"
        bucket: Xml = {"s3Bucket": task.bucket, "s3Key": task.key}
        detail: Xml = {
            "description": task.description,
            "diskImageSize": str(float(task.size_bytes or 0)),
            "format": "RAW",
            "progress": None if over else str(min(99, int(passed * 100))),
            "snapshotId": task.snapshot or None,
            "status": status,
            "statusMessage": (task.failure or None) if over else "pending",
            "userBucket": bucket,
        }
        return {"description": task.description, "importTaskId": task.id, "snapshotTaskDetail": detail, "tagSet": tag_set(task.tags)}
