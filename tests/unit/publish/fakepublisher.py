"""The ports of AWS and RHSM over a cloud in memory."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tests.unit.publish.fakecloud import FakeCloud, FakeImage, FakeTask

from penstock.model.digest import Digest
from penstock.model.errors import NotFoundError, OperationError
from penstock.model.progress import Progress
from penstock.model.push.accounts import AwsCredential
from penstock.model.push.aws import (
    BucketState,
    FoundImage,
    FoundObject,
    FoundSnapshot,
    ImageRegistration,
    ImportStatus,
    ImportTask,
    NameTaken,
    OpenUpload,
    UploadedPart,
)
from penstock.model.push.rhsm import RhsmImage, RhsmProduct
from penstock.ports import ProgressSink
from penstock.ports.publish import AwsPublisher, ContentFile


class FakeAccounts:
    """:class:`penstock.ports.publish.AwsAccounts`: one account, whatever the credentials."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud

    def publisher(self, credential: AwsCredential) -> AwsPublisher:
        return FakePublisher(self._cloud)


class FakePublisher:
    """:class:`penstock.ports.publish.AwsPublisher` of a :class:`FakeCloud`."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud

    async def owner(self) -> str:
        await self._cloud.begin("owner", "owner")
        return self._cloud.owner_number

    async def images_by_name(self, region: str, names: Sequence[str]) -> tuple[FoundImage, ...]:
        await self._cloud.begin("images_by_name", region)
        return tuple(self._shown(each) for (where, _), each in self._cloud.images.items() if where == region and each.found.name in names)

    async def images_by_tags(self, region: str, tags: Mapping[str, str]) -> tuple[FoundImage, ...]:
        await self._cloud.begin("images_by_tags", region)
        return tuple(
            self._shown(each)
            for (where, _), each in self._cloud.images.items()
            if where == region and tags.items() <= each.found.tags.items()
        )

    async def image(self, region: str, image_id: str) -> FoundImage:
        await self._cloud.begin("image", region)
        if (region, image_id) in self._cloud.foreign:
            return self._cloud.foreign[region, image_id]
        if (region, image_id) not in self._cloud.images or self._cloud.is_shy(image_id):
            raise NotFoundError("InvalidAMIID.NotFound", subject=image_id)
        self._cloud.advance_copy(region, image_id)
        return self._shown(self._cloud.images[(region, image_id)])

    async def snapshots(self, region: str, tag: str, values: Sequence[str]) -> tuple[FoundSnapshot, ...]:
        await self._cloud.begin("snapshots", region)
        return tuple(each for (where, _), each in self._cloud.snapshots.items() if where == region and each.tags.get(tag) in values)

    async def describe_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundSnapshot, ...]:
        await self._cloud.begin("describe_snapshots", region)
        return tuple(self._cloud.snapshots[(region, each)] for each in ids if (region, each) in self._cloud.snapshots)

    async def imports(self, region: str, descriptions: Sequence[str]) -> tuple[ImportTask, ...]:
        await self._cloud.begin("imports", region)
        found = [each for each in self._cloud.tasks if each.region == region and each.task.description in descriptions]
        return tuple(each.task for each in reversed(found))

    async def import_task(self, region: str, task_id: str) -> ImportTask:
        await self._cloud.begin("import_task", region)
        for fake in self._cloud.tasks:
            if fake.region == region and fake.task.id == task_id:
                self._cloud.advance(fake)
                return fake.task
        raise NotFoundError("InvalidConversionTaskId", subject=task_id)

    async def bucket(self, region: str, bucket: str) -> BucketState:
        await self._cloud.begin("bucket", region)
        return self._cloud.buckets.get((region, bucket), BucketState.MISSING)

    async def object(self, region: str, bucket: str, key: str) -> FoundObject | None:
        await self._cloud.begin("object", region)
        found = self._cloud.objects.get((region, bucket, key))
        return found[0] if found else None

    async def open_uploads(self, region: str, bucket: str, key: str) -> tuple[OpenUpload, ...]:
        await self._cloud.begin("open_uploads", region)
        named = [name for name, (where, _, _) in self._cloud.uploads.items() if where == (region, bucket, key)]
        return tuple(self._upload(name) for name in reversed(named))

    async def upload_parts(self, region: str, bucket: str, key: str, upload_id: str) -> OpenUpload | None:
        await self._cloud.begin("upload_parts", region)
        return self._upload(upload_id) if upload_id in self._cloud.uploads else None

    async def create_bucket(self, region: str, bucket: str) -> None:
        await self._cloud.begin("create_bucket", region)
        self._cloud.buckets[(region, bucket)] = BucketState.OURS
        self._cloud.end()

    async def begin_upload(self, region: str, bucket: str, key: str, *, tags: Mapping[str, str]) -> str:
        await self._cloud.begin("begin_upload", region)
        if self._cloud.buckets.get((region, bucket)) is not BucketState.OURS:
            raise OperationError("NoSuchBucket", subject=bucket)
        upload = self._cloud.new_id("upload")
        self._cloud.uploads[upload] = ((region, bucket, key), dict(tags), {})
        self._cloud.end()
        return upload

    async def send_parts(
        self,
        region: str,
        bucket: str,
        upload: OpenUpload,
        content: ContentFile,
        *,
        part_bytes: int,
        on_part: Callable[[UploadedPart], None],
        progress: ProgressSink,
    ) -> tuple[UploadedPart, ...]:
        have = {part.number for part in upload.parts}
        for number in range(1, max(1, -(-content.size_bytes // part_bytes)) + 1):
            if number not in have:
                await self._cloud.begin("part", region)
                stored = self._cloud.uploads[upload.id][2]
                stored[number] = await asyncio.to_thread(content.read_at, (number - 1) * part_bytes, part_bytes)
                self._cloud.end()
                on_part(_part(number, stored[number]))
                progress(Progress("upload", upload.key, number * part_bytes, content.size_bytes))
        return self._upload(upload.id).parts

    async def complete_upload(self, region: str, bucket: str, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> FoundObject:
        await self._cloud.begin("complete_upload", region)
        if upload_id in self._cloud.uploads:
            _, tags, stored = self._cloud.uploads.pop(upload_id)
            whole = b"".join(stored[part.number] for part in parts)
            self._cloud.objects[(region, bucket, key)] = (FoundObject(key=key, size_bytes=len(whole), tags=tags), whole)
        self._cloud.end()
        return self._cloud.objects[(region, bucket, key)][0]

    async def abort_upload(self, region: str, bucket: str, key: str, upload_id: str) -> None:
        await self._cloud.begin("abort_upload", region)
        self._cloud.uploads.pop(upload_id, None)
        self._cloud.end()

    async def start_import(self, region: str, bucket: str, key: str, *, description: str, token: str) -> str:
        await self._cloud.begin("start_import", region)
        if (region, token) not in self._cloud.tokens:
            task = ImportTask(id=self._cloud.new_id("import-snap"), status=ImportStatus.ACTIVE, description=description)
            self._cloud.tasks.append(FakeTask(region, task, (bucket, key), self._cloud.import_looks))
            self._cloud.tokens[(region, token)] = task.id
            self._cloud.imported[(region, Digest.of(self._cloud.objects[(region, bucket, key)][1]))] += 1
        self._cloud.end()
        return self._cloud.tokens[(region, token)]

    async def start_snapshot(self, region: str, *, size_gib: int, description: str, tags: Mapping[str, str], token: str) -> str:
        await self._cloud.begin("start_snapshot", region)
        if (region, token) not in self._cloud.tokens:
            self._cloud.tokens[(region, token)] = self._new_snapshot(region, "pending", size_gib, description, tags)
        self._cloud.end()
        return self._cloud.tokens[(region, token)]

    async def write_snapshot(self, region: str, snapshot_id: str, content: ContentFile, progress: ProgressSink) -> int:
        await self._cloud.begin("write_snapshot", region)
        if self._cloud.snapshots[(region, snapshot_id)].state != "pending":
            raise OperationError("the snapshot is sealed", subject=snapshot_id)
        self._cloud.snapshot_bytes[snapshot_id] = content.read_at(0, content.size_bytes)
        self._cloud.end()
        return -(-content.size_bytes // 2**19)

    async def complete_snapshot(self, region: str, snapshot_id: str, *, changed_blocks: int) -> None:
        await self._cloud.begin("complete_snapshot", region)
        if changed_blocks != -(-len(self._cloud.snapshot_bytes[snapshot_id]) // 2**19):
            raise OperationError("other blocks were written", subject=snapshot_id)
        self._complete(region, snapshot_id)
        self._cloud.end()

    async def copy_snapshot(self, region: str, *, source_region: str, snapshot_id: str, description: str, tags: Mapping[str, str]) -> str:
        await self._cloud.begin("copy_snapshot", region)
        source = self._cloud.snapshots[(source_region, snapshot_id)]
        copy = self._new_snapshot(region, "completed", source.size_gib, description, tags)
        self._cloud.snapshot_bytes[copy] = self._cloud.snapshot_bytes[snapshot_id]
        self._cloud.end()
        return copy

    async def share_snapshot(self, region: str, snapshot_id: str, accounts: Sequence[str]) -> None:
        await self._cloud.begin("share_snapshot", region)
        self._cloud.snapshot_accounts.setdefault((region, snapshot_id), set()).update(accounts)
        self._cloud.end()

    async def tag(self, region: str, resource_id: str, tags: Mapping[str, str]) -> None:
        await self._cloud.begin("tag", region)
        if resource_id.startswith("snap-"):
            snapshot = self._cloud.snapshots[(region, resource_id)]
            self._cloud.snapshots[(region, resource_id)] = replace(snapshot, tags={**snapshot.tags, **tags})
        else:
            image = self._cloud.images[(region, resource_id)]
            image.found = replace(image.found, tags={**image.found.tags, **tags})
        self._cloud.end()

    async def register_image(self, region: str, image: ImageRegistration, snapshot_id: str, *, tags: Mapping[str, str]) -> str:
        await self._cloud.begin("register_image", region)
        if any(where == region and each.found.name == image.name for (where, _), each in self._cloud.images.items()):
            raise NameTaken("InvalidAMIName.Duplicate", subject=image.name)
        if (region, snapshot_id) not in self._cloud.snapshots:
            raise OperationError("InvalidSnapshot.NotFound", subject=snapshot_id)
        name = self._cloud.new_id("ami")
        found = FoundImage(
            id=name,
            name=image.name,
            state="available",
            arch=image.arch,
            boot_mode=image.boot_mode or "",
            tags=dict(tags),
            snapshots=(snapshot_id,),
        )
        self._cloud.images[(region, name)] = FakeImage(found, image)
        self._cloud.end()
        return name

    async def copy_image(
        self, region: str, *, source_region: str, image_id: str, name: str, description: str, tags: Mapping[str, str], token: str
    ) -> str:
        await self._cloud.begin("copy_image", region)
        if any(where == region and each.found.name == name for (where, _), each in self._cloud.images.items()):
            raise NameTaken("InvalidAMIName.Duplicate", subject=name)
        source = self._cloud.foreign.get((source_region, image_id))
        if source is None:
            raise OperationError("InvalidAMIID.NotFound", subject=image_id)
        snapshot = self._new_snapshot(region, "completed", 1, description, tags)
        made = self._cloud.new_id("ami")
        registration = ImageRegistration(name=name, description=description, arch=source.arch, virtualization="", root_device="", volume="")
        found = replace(source, id=made, name=name, state="pending", tags=dict(tags), snapshots=(snapshot,), public=False)
        self._cloud.images[(region, made)] = FakeImage(found, registration)
        self._cloud.end()
        return made

    async def share_image(self, region: str, image_id: str, *, accounts: Sequence[str], groups: Sequence[str]) -> None:
        await self._cloud.begin("share_image", region)
        self._cloud.images[(region, image_id)].accounts.update(accounts)
        self._cloud.images[(region, image_id)].groups.update(groups)
        self._cloud.end()

    def _shown(self, image: FakeImage) -> FoundImage:
        return replace(image.found, public="all" in image.groups)

    def _upload(self, name: str) -> OpenUpload:
        (_, _, key), _, stored = self._cloud.uploads[name]
        return OpenUpload(id=name, key=key, parts=tuple(_part(number, stored[number]) for number in sorted(stored)))

    def _new_snapshot(self, region: str, state: str, size_gib: int, description: str, tags: Mapping[str, str]) -> str:
        name = self._cloud.new_id("snap")
        found = FoundSnapshot(id=name, state=state, size_gib=size_gib, description=description, tags=dict(tags))
        self._cloud.snapshots[(region, name)] = found
        return name

    def _complete(self, region: str, name: str) -> None:
        self._cloud.snapshots[(region, name)] = replace(self._cloud.snapshots[(region, name)], state="completed")


def _part(number: int, content: bytes) -> UploadedPart:
    return UploadedPart(number, f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"', len(content))


class FakeRhsm:
    """:class:`penstock.ports.publish.RhsmService` of a :class:`FakeCloud`."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud

    async def products(self) -> tuple[RhsmProduct, ...]:
        await self._cloud.begin("products")
        return self._cloud.rhsm_products

    async def ensure_region(self, region: str, provider: str) -> None:
        await self._cloud.begin("ensure_region")
        self._cloud.rhsm_regions.add((region, provider))
        self._cloud.end()

    async def put_image(self, image: RhsmImage) -> bool:
        await self._cloud.begin("put_image")
        new = image.image_id not in self._cloud.rhsm_images
        self._cloud.rhsm_images[image.image_id] = image
        self._cloud.end()
        return new
