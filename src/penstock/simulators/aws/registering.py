"""What EC2 does with images: register, share, tell who may use them, deregister."""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from penstock.simulators.aws.callers import Caller
from penstock.simulators.aws.disks import Disks
from penstock.simulators.aws.images import Images
from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.aws.query import Xml, listed, permissions_in, required, specified_tags, xml_answer
from penstock.simulators.aws.regions import partition_of
from penstock.simulators.aws.shown import ShownImage
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.operations import Refusal

_NAME = re.compile(r"[a-zA-Z0-9()\[\] ./\-'@_]{3,128}")
_BOOT_MODES = frozenset({"", "legacy-bios", "uefi", "uefi-preferred"})
_ARCHITECTURES = frozenset({"i386", "x86_64", "arm64"})
_VOLUMES = frozenset({"standard", "io1", "io2", "gp2", "gp3", "sc1", "st1"})
_PUBLIC = "all"


class Registering:
    """The actions on images that change something."""

    def __init__(self, images: Images, disks: Disks, clock: SimulatorClock, latencies: Latencies) -> None:
        self._images = images
        self._disks = disks
        self._clock = clock
        self._latencies = latencies
        self._copied: dict[tuple[str, str, str], str] = {}

    def register(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``RegisterImage``: of one EBS disk."""
        name, root = required(form, "Name"), form.get("RootDeviceName", "")
        _one_of(form.get("Architecture", "i386"), _ARCHITECTURES, "Architecture")
        _one_of(form.get("BootMode", ""), _BOOT_MODES, "BootMode")
        if _NAME.fullmatch(name) is None:
            message = (
                "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'"
            )
            raise Refusal(400, "InvalidAMIName.Malformed", message)
        disk = _root_disk(form, root)
        snapshot = self._disks.usable(caller, form.get(f"{disk}.Ebs.SnapshotId", ""))
        _one_of(form.get(f"{disk}.Ebs.VolumeType", "gp2"), _VOLUMES, "volumeType")
        if self._images.named(caller.region, caller.account, name):
            message = f"AMI name {name} is already in use by an AMI of this account"
            raise Refusal(400, "InvalidAMIName.Duplicate", message)
        now_s = time.monotonic()
        image = ShownImage(
            id=f"ami-{secrets.token_hex(9)[:17]}",
            name=name,
            owner=caller.account,
            arch=form.get("Architecture", "i386"),
            created=self._clock.now,
            description=form.get("Description", ""),
            boot_mode=form.get("BootMode", ""),
            virtualization=form.get("VirtualizationType", "paravirtual"),
            root_device=root,
            ena=form.get("EnaSupport", "") == "true",
            sriov=form.get("SriovNetSupport", ""),
            snapshot=snapshot.id,
            volume=form.get(f"{disk}.Ebs.VolumeType", "gp2"),
            volume_gib=snapshot.size_gib,
            keep_volume=form.get(f"{disk}.Ebs.DeleteOnTermination", "true") == "false",
            billing_codes=tuple(listed(form, "BillingProduct")),
            tags=specified_tags(form, "image"),
            known_from_s=now_s + self._latencies.visible,
            ready_from_s=now_s + self._latencies.register,
        )
        self._images.put(caller.region, image)
        return xml_answer("RegisterImage", {"imageId": image.id})

    def copy(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``CopyImage``: with a snapshot of its own, within a partition; equal client token, same image."""
        name, region, source_id = required(form, "Name"), required(form, "SourceRegion"), required(form, "SourceImageId")
        token = (caller.account, caller.region, form.get("ClientToken", ""))
        if token in self._copied:
            return xml_answer("CopyImage", {"imageId": self._copied[token]})
        source = self._images.find(region, source_id)
        if source is None or not source.may_be_used_by(caller.account) or region not in partition_of(caller.region):
            raise Refusal(400, "InvalidAMIID.NotFound", f"The image id '[{source_id}]' does not exist")
        if self._images.named(caller.region, caller.account, name):
            raise Refusal(400, "InvalidAMIName.Duplicate", f"AMI name {name} is already in use by an AMI of this account")
        now_s = time.monotonic()
        tags, after_s = specified_tags(form, "snapshot"), self._latencies.copy
        origin, described = f"{region}/{source_id}", form.get("Description", f"[Copied {source_id} from {region}] {source.name}")
        disk = self._disks.make(caller, size_gib=source.volume_gib, description=described, tags=tags, after_s=after_s, origin=origin)
        image = replace(
            source,
            id=f"ami-{secrets.token_hex(9)[:17]}",
            name=name,
            owner=caller.account,
            owner_alias="",
            description=described,
            created=self._clock.now,
            state="available",
            public=False,
            shared_with=frozenset(),
            deprecated_at=None,
            snapshot=disk.id,
            tags=specified_tags(form, "image"),
            known_from_s=now_s + self._latencies.visible,
            ready_from_s=now_s + after_s,
        )
        self._images.put(caller.region, image)
        if token[2]:
            self._copied[token] = image.id
        return xml_answer("CopyImage", {"imageId": image.id})

    def modify(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``ModifyImageAttribute``: who may use it."""
        image = self._images.own(caller.region, caller.account, required(form, "ImageId"))
        added, removed = permissions_in(form, "LaunchPermission")
        shared = (image.shared_with | (added - {_PUBLIC})) - removed
        public = (image.public or _PUBLIC in added) and _PUBLIC not in removed
        self._change(caller, image, shared_with=frozenset(shared), public=public)
        return xml_answer("ModifyImageAttribute", {"return": True})

    def tell_permissions(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``DescribeImageAttribute`` for ``launchPermission``."""
        image = self._images.own(caller.region, caller.account, required(form, "ImageId"))
        if form.get("Attribute") != "launchPermission":
            raise Refusal(400, "InvalidParameterValue", f"The attribute {form.get('Attribute')} is not served here")
        users: list[Xml] = [{"userId": account} for account in sorted(image.shared_with)]
        users += [{"group": _PUBLIC}] if image.public else []
        return xml_answer("DescribeImageAttribute", {"imageId": image.id, "launchPermission": users})

    def deregister(self, form: Mapping[str, str], caller: Caller) -> web.Response:
        """Answer ``DeregisterImage``."""
        image = self._images.own(caller.region, caller.account, required(form, "ImageId"))
        self._images.remove(caller.region, image.id)
        return xml_answer("DeregisterImage", {"return": True})

    def tag(self, caller: Caller, image_id: str, tags: Mapping[str, str], *, remove: bool) -> None:
        """Put tags on an image, or take them off."""
        image = self._images.own(caller.region, caller.account, image_id)
        left = {key: value for key, value in image.tags.items() if key not in tags}
        self._change(caller, image, tags=left if remove else {**left, **tags})

    def uses(self, region: str, snapshot_id: str) -> str | None:
        """The image of which this snapshot is the disk, or None."""
        return next((image.id for image in self._images.registered(region) if image.snapshot == snapshot_id), None)

    def _change(self, caller: Caller, image: ShownImage, **changes: object) -> None:
        # A pending image is shown with another state than it is kept with.
        kept = next(each for each in self._images.registered(caller.region) if each.id == image.id)
        self._images.put(caller.region, replace(kept, **changes))  # type: ignore[arg-type]


def _root_disk(form: Mapping[str, str], root: str) -> str:
    """The beginning of the parameters of the root device."""
    for key, value in form.items():
        found = re.fullmatch(r"(BlockDeviceMapping\.[0-9]+)\.DeviceName", key)
        if found is not None and value == root and f"{found[1]}.Ebs.SnapshotId" in form:
            return found[1]
    raise Refusal(400, "InvalidBlockDeviceMapping", "No snapshotId specified for the root device")


def _one_of(value: str, allowed: frozenset[str], name: str) -> None:
    if value not in allowed:
        raise Refusal(400, "InvalidParameterValue", f"Value ({value}) for parameter {name} is invalid.")
