"""Snapshots of EBS: made by imports, by copies and block by block; described, shared, tagged, deleted."""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from aiohttp import web

from penstock.simulators.aws.callers import Caller
from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.aws.query import (
    Xml,
    filters_of,
    keep_filtered,
    listed,
    page_of,
    permissions_in,
    required,
    specified_tags,
    tag_set,
    xml_answer,
)
from penstock.simulators.aws.regions import partition_of
from penstock.simulators.aws.shown import time_text
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import without_some
from penstock.simulators.cloud.operations import Call, Refusal

_SNAPSHOT_ID = re.compile(r"snap-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_NEVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A snapshot.

    Attributes:
        id: ``snap-…``.
        owner: the number of the account.
        size_gib: of the volume.
        started: when.
        description: as it was given.
        tags: of it.
        shared_with: who may make volumes of it; ``all`` is everybody.
        known_from_s: of the monotonic clock: before, nobody knows it.
        ready_from_s: the same: before, it is pending; infinite while it is written.
        origin: what it was made of, for tests: ``s3://BUCKET/KEY``, ``REGION/snap-…``, ``""`` for blocks.
    """

    id: str
    owner: str
    size_gib: int
    started: datetime
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    shared_with: frozenset[str] = frozenset()
    known_from_s: float = 0.0
    ready_from_s: float = 0.0
    origin: str = ""

    @property
    def state(self) -> str:
        """``pending`` or ``completed``."""
        return "completed" if self.ready_from_s <= time.monotonic() else "pending"

    def may_be_used_by(self, account: str) -> bool:
        """Whether this account sees it."""
        return account == self.owner or bool(self.shared_with & {account, "all"})


_FILTERS: Final[Mapping[str, Callable[[Disk], str]]] = {
    "description": lambda disk: disk.description,
    "encrypted": lambda _: "false",
    "owner-id": lambda disk: disk.owner,
    "snapshot-id": lambda disk: disk.id,
    "status": lambda disk: disk.state,
    "volume-size": lambda disk: str(disk.size_gib),
}


class Disks:
    """The snapshots of all regions.

    Args:
        clock: for the times that are told.
        latencies: of copies.
    """

    def __init__(self, clock: SimulatorClock, latencies: Latencies) -> None:
        self._clock = clock
        self._latencies = latencies
        self._regions: dict[str, dict[str, Disk]] = {}

    def all(self, region: str) -> tuple[Disk, ...]:
        """Of all accounts."""
        return tuple(self._regions.get(region, {}).values())

    def make(
        self,
        caller: Caller,
        *,
        size_gib: int,
        description: str,
        tags: Mapping[str, str] | None = None,
        after_s: float = _NEVER,
        origin: str = "",
    ) -> Disk:
        """A new one, completed after this time; without one it stays pending until :meth:`seal`."""
        now_s = time.monotonic()
        disk = Disk(
            id=f"snap-{secrets.token_hex(9)[:17]}",
            owner=caller.account,
            size_gib=size_gib,
            started=self._clock.now,
            description=description,
            tags=dict(tags or {}),
            known_from_s=now_s + self._latencies.visible,
            ready_from_s=now_s + after_s,
            origin=origin,
        )
        self._regions.setdefault(caller.region, {})[disk.id] = disk
        return disk

    def seal(self, caller: Caller, disk: Disk, *, after_s: float) -> None:
        """Have it completed after this time."""
        self._put(caller.region, replace(disk, ready_from_s=time.monotonic() + after_s))

    def own(self, caller: Caller, snapshot_id: str) -> Disk:
        """A snapshot of the caller.

        Raises:
            Refusal: there is none that it knows.
        """
        if _SNAPSHOT_ID.fullmatch(snapshot_id) is None:
            raise Refusal(400, "InvalidParameterValue", f"Value ({snapshot_id}) for parameter snapshotId is invalid. Expected: 'snap-...'.")
        disk = self._regions.get(caller.region, {}).get(snapshot_id)
        if disk is None or disk.known_from_s > time.monotonic() or disk.owner != caller.account:
            raise _not_found(snapshot_id)
        return disk

    def usable(self, caller: Caller, snapshot_id: str) -> Disk:
        """A snapshot that an image can be made of.

        Raises:
            Refusal: the caller has none of this id, or it is pending.
        """
        disk = self.own(caller, snapshot_id)
        if disk.state != "completed":
            raise Refusal(400, "IncorrectState", f"Snapshot {snapshot_id} is not 'completed'")
        return disk

    def describe(self, call: Call, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``DescribeSnapshots``."""
        seen = [disk for disk in self.all(caller.region) if disk.known_from_s <= time.monotonic() and disk.may_be_used_by(caller.account)]
        ids, owners = listed(form, "SnapshotId"), {caller.account if owner == "self" else owner for owner in listed(form, "Owner")}
        there = {disk.id for disk in seen}
        for one in ids:
            if one not in there:
                raise _not_found(one)
        seen = [disk for disk in seen if (not ids or disk.id in ids) and (not owners or disk.owner in owners)]
        found = keep_filtered(seen, filters_of(form), _FILTERS, lambda disk: disk.tags)
        page, token = page_of(without_some(found, call.strikes), form, lambda disk: disk.id)
        items: list[Xml] = [_item(disk) for disk in page]
        return xml_answer("DescribeSnapshots", {"snapshotSet": items, "nextToken": token})

    def copy(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``CopySnapshot``: within a partition."""
        region, source_id = required(form, "SourceRegion"), required(form, "SourceSnapshotId")
        source = self._regions.get(region, {}).get(source_id)
        if region not in partition_of(caller.region) or source is None or not source.may_be_used_by(caller.account):
            raise _not_found(source_id)
        if source.state != "completed":
            raise Refusal(400, "IncorrectState", f"Snapshot {source_id} is not 'completed'")
        tags, origin = specified_tags(form, "snapshot"), f"{region}/{source_id}"
        description = form.get("Description", f"[Copied {source_id} from {region}]")
        after_s = self._latencies.copy
        disk = self.make(caller, size_gib=source.size_gib, description=description, tags=tags, after_s=after_s, origin=origin)
        return xml_answer("CopySnapshot", {"snapshotId": disk.id, "tagSet": tag_set(tags)})

    def modify(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``ModifySnapshotAttribute``: who may make volumes of it."""
        disk = self.own(caller, required(form, "SnapshotId"))
        added, removed = permissions_in(form, "CreateVolumePermission")
        self._put(caller.region, replace(disk, shared_with=frozenset((disk.shared_with | added) - removed)))
        return xml_answer("ModifySnapshotAttribute", {"return": True})

    def tell_permissions(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``DescribeSnapshotAttribute`` for ``createVolumePermission``."""
        disk = self.own(caller, required(form, "SnapshotId"))
        users: list[Xml] = [{"group": "all"} if each == "all" else {"userId": each} for each in sorted(disk.shared_with)]
        return xml_answer("DescribeSnapshotAttribute", {"snapshotId": disk.id, "createVolumePermission": users})

    def delete(self, form: Mapping[str, str], caller: Caller, used_by: Callable[[str, str], str | None]) -> web.Response:
        """Answer ``DeleteSnapshot``; ``used_by`` tells the image that a snapshot of a region is the disk of."""
        disk = self.own(caller, required(form, "SnapshotId"))
        image = used_by(caller.region, disk.id)
        if image is not None:
            raise Refusal(400, "InvalidSnapshot.InUse", f"The snapshot {disk.id} is currently in use by {image}")
        del self._regions[caller.region][disk.id]
        return xml_answer("DeleteSnapshot", {"return": True})

    def tag(self, caller: Caller, snapshot_id: str, tags: Mapping[str, str], *, remove: bool) -> None:
        """Put tags on a snapshot, or take them off."""
        disk = self.own(caller, snapshot_id)
        left = {key: value for key, value in disk.tags.items() if key not in tags}
        self._put(caller.region, replace(disk, tags=left if remove else {**left, **tags}))

    def _put(self, region: str, disk: Disk) -> None:
        self._regions[region][disk.id] = disk


def _not_found(snapshot_id: str) -> Refusal:
    return Refusal(400, "InvalidSnapshot.NotFound", f"The snapshot '{snapshot_id}' does not exist.")


def _item(disk: Disk) -> Xml:
    return {
        "snapshotId": disk.id,
        "volumeId": "vol-ffffffff",
        "status": disk.state,
        "startTime": time_text(disk.started),
        "progress": "100%" if disk.state == "completed" else "0%",
        "ownerId": disk.owner,
        "volumeSize": str(disk.size_gib),
        "description": disk.description,
        "encrypted": False,
        "storageTier": "standard",
        "tagSet": tag_set(disk.tags),
    }
