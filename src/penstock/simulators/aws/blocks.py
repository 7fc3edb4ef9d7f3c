"""EBS direct (API version 2019-11-02): snapshots written and read in blocks of 512 KiB."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from penstock.simulators.aws.callers import Caller
from penstock.simulators.aws.disks import Disk, Disks
from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.cloud.operations import Call, Refusal, json_answer

BLOCK_BYTES: Final = 512 * 1024
_LARGEST_GIB = 64 * 1024
_FAULTS = {401: "AccessDeniedException", 403: "AccessDeniedException", 429: "RequestThrottledException", 503: "RequestThrottledException"}


class Blocks:
    """The blocks of snapshots that were written one by one.

    Args:
        disks: the snapshots themselves.
        latencies: of sealing.
    """

    def __init__(self, disks: Disks, latencies: Latencies) -> None:
        self._disks = disks
        self._latencies = latencies
        self._written: dict[str, dict[int, bytes]] = {}
        self._begun: dict[tuple[str, str, str], tuple[str, Mapping[str, Any]]] = {}

    def written(self, snapshot_id: str) -> Mapping[int, bytes]:
        """The blocks of a snapshot by their index; all others are zeros."""
        return dict(self._written.get(snapshot_id, {}))

    def start(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``StartSnapshot``."""
        try:
            asked = json.loads(call.body)
            size_gib, token = int(asked["VolumeSize"]), str(asked.get("ClientToken", ""))
        except (ValueError, KeyError, TypeError):
            raise _invalid("the body says no size of a volume") from None
        if not 1 <= size_gib <= _LARGEST_GIB:
            raise _invalid(f"a volume has 1 to {_LARGEST_GIB} GiB")
        place = (caller.account, caller.region, token)
        if token and place in self._begun:
            known, before = self._begun[place]
            if before != asked:
                raise Refusal(409, "ConflictException", "The client token was used already, with other parameters")
            disk = self._disks.own(caller, known)
        else:
            tags = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", [])}
            disk = self._disks.make(caller, size_gib=size_gib, description=asked.get("Description", ""), tags=tags)
            self._written[disk.id] = {}
            self._begun[place] = (disk.id, asked)
        return json_answer(self._document(disk), status=201)

    def put(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``PutSnapshotBlock``."""
        disk, index, headers = self._own(call, caller), _index(call), call.request.headers
        if disk.state != "pending":
            raise Refusal(409, "ConflictException", "The snapshot is not pending")
        if index * BLOCK_BYTES >= disk.size_gib << 30:
            raise _invalid("the block lies behind the end of the volume")
        if headers.get("x-amz-Data-Length") != str(BLOCK_BYTES) or len(call.body) != BLOCK_BYTES:
            raise _invalid(f"a block has {BLOCK_BYTES} bytes")
        checksum = b64encode(hashlib.sha256(call.body).digest()).decode()
        if (headers.get("x-amz-Checksum-Algorithm"), headers.get("x-amz-Checksum")) != ("SHA256", checksum):
            raise _invalid("the checksum is not that of the block")
        self._written[disk.id][index] = call.body
        return json_answer({}, status=201, headers={"x-amz-Checksum": checksum, "x-amz-Checksum-Algorithm": "SHA256"})

    def complete(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``CompleteSnapshot``; the number of blocks must be right."""
        disk = self._own(call, caller)
        if disk.state != "pending":
            raise Refusal(409, "ConflictException", "The snapshot is not pending")
        if call.request.headers.get("x-amz-ChangedBlocksCount") != str(len(self._written[disk.id])):
            raise _invalid("the number of changed blocks is not that of the blocks that were written")
        self._disks.seal(caller, disk, after_s=self._latencies.seal)
        return json_answer({"Status": "pending"}, status=202)

    def list(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``ListSnapshotBlocks``: all on one page."""
        disk = self._own(call, caller)
        told = [{"BlockIndex": index, "BlockToken": f"{disk.id}-{index}"} for index in sorted(self._written[disk.id])]
        return json_answer({"Blocks": told, "VolumeSize": disk.size_gib, "BlockSize": BLOCK_BYTES})

    def get(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``GetSnapshotBlock``."""
        disk, index = self._own(call, caller), _index(call)
        block = self._written[disk.id].get(index)
        if block is None:
            raise Refusal(404, "ResourceNotFoundException", "There is no such block")
        checksum = b64encode(hashlib.sha256(block).digest()).decode()
        headers = {"x-amz-Data-Length": str(len(block)), "x-amz-Checksum": checksum, "x-amz-Checksum-Algorithm": "SHA256"}
        return web.Response(body=block, headers=headers, content_type="application/octet-stream")

    def _own(self, call: Call, caller: Caller) -> Disk:
        try:
            disk = self._disks.own(caller, call.path["snapshot"])
        except Refusal as refusal:
            raise Refusal(404, "ResourceNotFoundException", refusal.message) from refusal
        if disk.id not in self._written:
            raise Refusal(409, "ConflictException", "The snapshot was not made by StartSnapshot")
        return disk

    @staticmethod
    def _document(disk: Disk) -> dict[str, Any]:
        return {
            "SnapshotId": disk.id,
            "OwnerId": disk.owner,
            "Status": disk.state,
            "StartTime": disk.started.timestamp(),
            "VolumeSize": disk.size_gib,
            "BlockSize": BLOCK_BYTES,
            "Description": disk.description,
            "Tags": [{"Key": key, "Value": value} for key, value in disk.tags.items()],
        }


def ebs_error(refusal: Refusal, *, fault: bool) -> web.Response:
    """An error in EBS's words; ``fault`` for one that was asked for and has only a status."""
    code = _FAULTS.get(refusal.status, "InternalServerException") if fault else refusal.code
    return json_answer({"Message": refusal.message}, status=refusal.status, headers={**refusal.headers, "x-amzn-ErrorType": code})


def _index(call: Call) -> int:
    text = call.path["index"]
    if not (text.isascii() and text.isdigit()):
        raise _invalid("the index of a block is a number")
    return int(text)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "ValidationException", message)
