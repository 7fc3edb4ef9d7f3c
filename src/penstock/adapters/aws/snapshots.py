"""Snapshots: looked for, imported from objects, copied between regions, shared."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock.adapters.aws.calls import AccountCalls, by_values, literally, tag_list, tags_of
from penstock.adapters.aws.objects import code_behind
from penstock.model.errors import NotFoundError, OperationError
from penstock.model.push.aws import FoundSnapshot, ImportStatus, ImportTask

_SELF = {"OwnerIds": ["self"]}
_OVER = frozenset({"deleted", "deleting", "error"})
_ORDER = (ImportStatus.ACTIVE, ImportStatus.COMPLETED, ImportStatus.FAILED)


class SnapshotCalls(AccountCalls):
    """The part of :class:`penstock.ports.publish.AwsPublisher` about snapshots and imports."""

    async def snapshots(self, region: str, tag: str, values: Sequence[str]) -> tuple[FoundSnapshot, ...]:
        """See :meth:`penstock.ports.publish.AwsPublisher.snapshots`."""
        return await self._found(region, by_values(f"tag:{tag}", values), f"snapshots with the tag {tag}")

    async def describe_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundSnapshot, ...]:
        """See :meth:`penstock.ports.publish.AwsPublisher.describe_snapshots`.

        The ids are a filter, not the argument for ids: of those that do not exist AWS says nothing then, and not an error for all.
        """
        return await self._found(region, by_values("snapshot-id", ids), ", ".join(itertools.islice(ids, 3)))

    async def imports(self, region: str, descriptions: Sequence[str]) -> tuple[ImportTask, ...]:
        """See :meth:`penstock.ports.publish.AwsPublisher.imports`.

        EC2 says of no import when it began: those that run come first, then those that ended well.
        """
        if not descriptions:
            return ()
        said = await self._pages(region, "describe_import_snapshot_tasks", {}, "ImportSnapshotTasks", subject="imports of snapshots")
        tasks = [task for task in map(import_of, said) if task.description in descriptions]
        return tuple(sorted(tasks, key=lambda task: _ORDER.index(task.status)))

    async def import_task(self, region: str, task_id: str) -> ImportTask:
        """See :meth:`penstock.ports.publish.AwsPublisher.import_task`."""
        try:
            answer = await self._ask("ec2", region, "describe_import_snapshot_tasks", {"ImportTaskIds": [task_id]}, subject=task_id)
        except OperationError as error:
            if code_behind(error).startswith("InvalidConversionTaskId"):
                raise NotFoundError("AWS does not know this import", subject=self._about(task_id, region)) from error
            raise
        said = answer.get("ImportSnapshotTasks", [])
        if not said:
            raise NotFoundError("AWS does not know this import", subject=self._about(task_id, region))
        return import_of(said[0])

    async def start_import(self, region: str, bucket: str, key: str, *, description: str, token: str) -> str:
        """See :meth:`penstock.ports.publish.AwsPublisher.start_import`."""
        disk = {"Description": description, "Format": "raw", "UserBucket": {"S3Bucket": bucket, "S3Key": key}}
        question = {"Description": description, "DiskContainer": disk, "ClientToken": token}
        answer = await self._ask("ec2", region, "import_snapshot", question, subject=f"import of s3://{bucket}/{key}", tells="ImportTaskId")
        return str(answer["ImportTaskId"])

    async def copy_snapshot(self, region: str, *, source_region: str, snapshot_id: str, description: str, tags: Mapping[str, str]) -> str:
        """See :meth:`penstock.ports.publish.AwsPublisher.copy_snapshot`; EC2 takes no token for it."""
        question: dict[str, Any] = {"SourceRegion": source_region, "SourceSnapshotId": snapshot_id, "Description": description}
        question |= {"TagSpecifications": [{"ResourceType": "snapshot", "Tags": tag_list(tags)}]} if tags else {}
        subject = f"copy of {snapshot_id} of {source_region}"
        filters = [{"Name": "description", "Values": [literally(description)]}]
        filters += [{"Name": f"tag:{key}", "Values": [literally(value)]} for key, value in tags.items()]
        known = {each.id for each in await self._like(region, filters, subject)}

        async def copy() -> str:
            return str((await self._call("ec2", region, "copy_snapshot", question, subject=subject, tells="SnapshotId"))["SnapshotId"])

        async def copied() -> str | None:
            return next((each.id for each in await self._like(region, filters, subject) if each.id not in known), None)

        return await self._visible(lambda: self._make(copy, copied))

    async def share_snapshot(self, region: str, snapshot_id: str, accounts: Sequence[str]) -> None:
        """See :meth:`penstock.ports.publish.AwsPublisher.share_snapshot`."""
        if not accounts:
            return
        add = {"Add": [{"UserId": account} for account in accounts]}
        question = {"SnapshotId": snapshot_id, "Attribute": "createVolumePermission", "CreateVolumePermission": add}
        await self._visible(lambda: self._ask("ec2", region, "modify_snapshot_attribute", question, subject=f"sharing of {snapshot_id}"))

    async def delete_snapshot(self, region: str, snapshot_id: str) -> bool:
        """See :meth:`penstock.ports.removal.AwsRemover.delete_snapshot`."""
        try:
            await self._ask("ec2", region, "delete_snapshot", {"SnapshotId": snapshot_id}, subject=snapshot_id)
        except NotFoundError:
            return False
        return True

    async def _found(self, region: str, filters: Iterable[Mapping[str, Any]], subject: str) -> tuple[FoundSnapshot, ...]:
        """All that pass one of ``filters``."""
        found: list[FoundSnapshot] = []
        for each in filters:
            found += await self._like(region, [each], subject)
        return tuple(found)

    async def _like(self, region: str, filters: Sequence[Mapping[str, Any]], subject: str) -> list[FoundSnapshot]:
        """All that pass each of ``filters``."""
        question = {**_SELF, "Filters": list(filters)}
        said = await self._pages(region, "describe_snapshots", question, "Snapshots", subject=subject)
        return [snapshot_of(each) for each in said]


def snapshot_of(said: Mapping[str, Any]) -> FoundSnapshot:
    """The snapshot that one item of the answer tells of."""
    return FoundSnapshot(
        id=said["SnapshotId"],
        state=said.get("State") or "",
        size_gib=int(said.get("VolumeSize") or 0),
        description=said.get("Description") or "",
        tags=tags_of(said),
    )


def import_of(said: Mapping[str, Any]) -> ImportTask:
    """The import that one item of the answer tells of."""
    detail = said.get("SnapshotTaskDetail") or {}
    state = str(detail.get("Status") or "")
    status = ImportStatus.FAILED if state in _OVER else ImportStatus.COMPLETED if state == "completed" else ImportStatus.ACTIVE
    progress = str(detail.get("Progress") or "0").rstrip("%")
    return ImportTask(
        id=said["ImportTaskId"],
        status=status,
        description=said.get("Description") or detail.get("Description") or "",
        snapshot=detail.get("SnapshotId") or None,
        progress_percent=100 if status is ImportStatus.COMPLETED else int(progress) if progress.isdigit() else 0,
        message=detail.get("StatusMessage") or "",
    )
