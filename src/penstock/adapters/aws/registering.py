"""Images: looked for, registered, tagged, shared."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.adapters.aws.calls import AccountCalls, by_values, literally, tag_list, tags_of
from penstock.model.errors import NotFoundError
from penstock.model.push.aws import FoundImage, ImageRegistration, NameTaken

_SELF: dict[str, Any] = {"Owners": ["self"], "IncludeDeprecated": True, "IncludeDisabled": True}
"""Deprecated and disabled ones hold their names too."""


class ImageCalls(AccountCalls):
    """The part of :class:`penstock.ports.publish.AwsPublisher` about images."""

    async def images_by_name(self, region: str, names: Sequence[str]) -> tuple[FoundImage, ...]:
        """See :meth:`penstock.ports.publish.AwsPublisher.images_by_name`."""
        found: list[FoundImage] = []
        for each in by_values("name", names):
            found += await self._images(region, [each], f"images named {names[0]}{' …' if names[1:] else ''}")
        return tuple(found)

    async def images_by_tags(self, region: str, tags: Mapping[str, str]) -> tuple[FoundImage, ...]:
        """See :meth:`penstock.ports.publish.AwsPublisher.images_by_tags`."""
        filters = [{"Name": f"tag:{key}", "Values": [literally(value)]} for key, value in tags.items()]
        return tuple(await self._images(region, filters, f"images with the tags of {tags.get('nvra', 'a build')}"))

    async def image(self, region: str, image_id: str) -> FoundImage:
        """See :meth:`penstock.ports.publish.AwsPublisher.image`."""
        answer = await self._ask("ec2", region, "describe_images", {"ImageIds": [image_id]}, subject=image_id)
        said = answer.get("Images", [])
        if not said:
            raise NotFoundError("AWS does not have it", subject=self._about(image_id, region))
        return image_of(said[0])

    async def tag(self, region: str, resource_id: str, tags: Mapping[str, str]) -> None:
        """See :meth:`penstock.ports.publish.AwsPublisher.tag`."""
        if tags:
            question = {"Resources": [resource_id], "Tags": tag_list(tags)}
            await self._visible(lambda: self._ask("ec2", region, "create_tags", question, subject=f"tags of {resource_id}"))

    async def register_image(self, region: str, image: ImageRegistration, snapshot_id: str, *, tags: Mapping[str, str]) -> str:
        """See :meth:`penstock.ports.publish.AwsPublisher.register_image`."""
        question = dict(registration(image, snapshot_id, tags))

        async def register() -> str:
            return str((await self._call("ec2", region, "register_image", question, subject=image.name, tells="ImageId"))["ImageId"])

        async def registered() -> str | None:
            found = await self.images_by_name(region, [image.name])
            return next((each.id for each in found if snapshot_id in each.snapshots), None)

        tries = 0

        async def once() -> str:
            nonlocal tries
            tries += 1
            try:
                return await register()
            except NameTaken:
                # Names are unique, so a try whose answer was lost is found by its name.
                found = await registered() if tries > 1 else None
                if found is None:
                    raise
                return found

        return await self._visible(lambda: self._retried(once))

    async def copy_image(
        self, region: str, *, source_region: str, image_id: str, name: str, description: str, tags: Mapping[str, str], token: str
    ) -> str:
        """See :meth:`penstock.ports.publish.AwsPublisher.copy_image`."""
        question = {
            "Name": name,
            "SourceImageId": image_id,
            "SourceRegion": source_region,
            "ClientToken": token,
            **({"Description": description} if description else {}),
            **({"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)} for kind in ("image", "snapshot")]} if tags else {}),
        }
        return str((await self._ask("ec2", region, "copy_image", question, subject=name, tells="ImageId"))["ImageId"])

    async def share_image(self, region: str, image_id: str, *, accounts: Sequence[str], groups: Sequence[str]) -> None:
        """See :meth:`penstock.ports.publish.AwsPublisher.share_image`."""
        add: list[dict[str, str]] = [*({"UserId": account} for account in accounts), *({"Group": group} for group in groups)]
        if add:
            question = {"ImageId": image_id, "Attribute": "launchPermission", "LaunchPermission": {"Add": add}}
            await self._visible(lambda: self._ask("ec2", region, "modify_image_attribute", question, subject=f"sharing of {image_id}"))

    async def images_by_id(self, region: str, ids: Sequence[str]) -> tuple[FoundImage, ...]:
        """See :meth:`penstock.ports.removal.AwsRemover.images_by_id`; a filter, as for snapshots: one id that is gone fails no other."""
        return await self._images_with(region, "image-id", ids)

    async def images_of_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundImage, ...]:
        """See :meth:`penstock.ports.removal.AwsRemover.images_of_snapshots`."""
        return await self._images_with(region, "block-device-mapping.snapshot-id", ids)

    async def deregister_image(self, region: str, image_id: str) -> bool:
        """See :meth:`penstock.ports.removal.AwsRemover.deregister_image`."""
        try:
            await self._ask("ec2", region, "deregister_image", {"ImageId": image_id}, subject=image_id)
        except NotFoundError:
            return False
        return True

    async def _images_with(self, region: str, name: str, values: Sequence[str]) -> tuple[FoundImage, ...]:
        found: dict[str, FoundImage] = {}
        for each in by_values(name, values):
            found |= {image.id: image for image in await self._images(region, [each], ", ".join(values[:3]))}
        return tuple(found.values())

    async def _images(self, region: str, filters: Sequence[Mapping[str, Any]], subject: str) -> list[FoundImage]:
        said = await self._pages(region, "describe_images", {**_SELF, "Filters": list(filters)}, "Images", subject=subject)
        return [image_of(each) for each in said]


def registration(image: ImageRegistration, snapshot_id: str, tags: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """What RegisterImage is told; what is not set is not sent."""
    disk = {"SnapshotId": snapshot_id, "VolumeType": image.volume, "DeleteOnTermination": True}
    yield "Name", image.name
    yield "Architecture", image.arch
    yield "VirtualizationType", image.virtualization
    yield "RootDeviceName", image.root_device
    yield "BlockDeviceMappings", [{"DeviceName": image.root_device, "Ebs": disk}]
    if image.description:
        yield "Description", image.description
    if image.ena_support is not None:
        yield "EnaSupport", image.ena_support
    if image.sriov_net_support is not None:
        yield "SriovNetSupport", image.sriov_net_support
    if image.boot_mode is not None:
        yield "BootMode", image.boot_mode
    if image.billing_codes:
        yield "BillingProducts", list(image.billing_codes)
    if tags:
        yield "TagSpecifications", [{"ResourceType": "image", "Tags": tag_list(tags)}]


def image_of(said: Mapping[str, Any]) -> FoundImage:
    """The image that one item of the answer tells of."""
    root = said.get("RootDeviceName")
    disks = sorted(said.get("BlockDeviceMappings", ()), key=lambda disk: disk.get("DeviceName") != root)
    snapshots = [disk.get("Ebs", {}).get("SnapshotId") for disk in disks]
    return FoundImage(
        id=said["ImageId"],
        name=said.get("Name") or "",
        state=said.get("State") or "",
        arch=said.get("Architecture") or "",
        boot_mode=said.get("BootMode") or "",
        tags=tags_of(said),
        snapshots=tuple(snapshot for snapshot in snapshots if snapshot),
        public=bool(said.get("Public", False)),
    )
