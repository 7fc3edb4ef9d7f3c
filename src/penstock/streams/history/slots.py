"""Every image that a stream or a marketplace file names, by the slot that it fills."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from penstock.formats.stream import StreamDocument
from penstock.model.lineage import short_digest, spellings
from penstock.model.marketplace import Marketplace, PurchasePlan
from penstock.model.record import given
from penstock.model.stream import AzureGalleryImage, Images, ReplicatedImage, ReplicatedObject, Stream, StreamArch
from penstock.model.updates import Updates
from penstock.streams.artifacts import StreamArtifact, artifacts_of

_PLANS = frozenset(plan.value for plan in PurchasePlan)


@dataclass(frozen=True, slots=True, order=True)
class HistorySlot:
    """A place for an image.

    Attributes:
        arch: the RPM architecture.
        platform: the platform of an artifact, or the cloud of an image.
        name: what tells it from others there: ``iso disk``, a region, ``ocp hyperVGen2``.
    """

    arch: str
    platform: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read ``azure ocp hyperVGen2 x86_64``, as the ledger's edges name it; None for what is no slot."""
        platform, _, rest = text.partition(" ")
        name, _, arch = rest.rpartition(" ")
        return cls(arch, platform, name or "image") if platform and arch else None

    @property
    def plan(self) -> str | None:
        """The plan of a marketplace, or None elsewhere."""
        first = self.name.partition(" ")[0]
        return first if first in _PLANS else None


@dataclass(frozen=True, slots=True)
class Carried:
    """An image in a slot.

    Attributes:
        image: what people call it: an AMI, a URN, a path in Google Cloud, a file name.
        release: the build, or None where the document does not tell it.
        sha256: of a file, in hexadecimal; None for images in clouds.
        aliases: other names to find it by.
    """

    image: str
    release: str | None = None
    sha256: str | None = None
    aliases: frozenset[str] = frozenset()

    @property
    def identity(self) -> tuple[str, str | None, str | None]:
        """What makes it another one; an address that moves does not."""
        return (self.image, self.release, self.sha256)

    def answers_to(self, key: str) -> bool:
        """Whether ``key`` is its name, its release, its digest (with or without ``sha256:``), or eight digits or more of that."""
        names = {self.image, *self.aliases} | ({self.release} if self.release else set())
        if self.sha256:
            names.add(f"sha256:{self.sha256.lower()}")
        short = short_digest(key)
        return not names.isdisjoint(spellings(key)) or (short is not None and any(name.startswith(short) for name in names))


Slots = Mapping[HistorySlot, Carried]


def slots_of(document: StreamDocument) -> Slots:
    """The images of a stream or a marketplace file; update metadata has none."""
    if isinstance(document, Stream):
        return dict(_of_stream(document))
    if isinstance(document, Updates):
        return {}
    return dict(found for arch, entry in document.items() for found in _of_marketplace(arch, entry))


Found = Iterator[tuple[HistorySlot, Carried]]


def _of_stream(stream: Stream) -> Found:
    for found in artifacts_of(stream):
        yield HistorySlot(found.arch, found.platform, f"{found.format} {found.part}"), _of_artifact(found)
    for arch, entry in stream.architectures.items():
        images = given(entry.images)
        if images is not None:
            yield from _of_images(arch, images)
        yield from _of_extensions(arch, entry)


def _of_artifact(found: StreamArtifact) -> Carried:
    artifact = found.artifact
    content = given(artifact.uncompressed_sha256)
    aliases = {artifact.location} | ({f"sha256:{content.lower()}"} if content else set())
    return Carried(artifact.file_name, found.release, artifact.sha256.lower(), frozenset(aliases))


def _of_images(arch: str, images: Images) -> Found:
    for cloud, replicated in (("aliyun", given(images.aliyun)), ("aws", given(images.aws))):
        yield from _of_regions(arch, cloud, "", replicated)
    for cloud, objects in (("ibmcloud", given(images.ibmcloud)), ("powervs", given(images.powervs))):
        yield from _of_objects(arch, cloud, objects)
    gcp, kubevirt, gallery = given(images.gcp), given(images.kubevirt), images.azure_community
    name: str | None = given(gcp.name) if gcp else None
    if gcp is not None and name:
        project = given(gcp.project)
        path = f"projects/{project}/global/images/{name}" if project else name
        yield HistorySlot(arch, "gcp", "image"), Carried(path, given(gcp.release), aliases=frozenset({name}))
    if kubevirt is not None:
        pinned, floating = given(kubevirt.digest_ref), given(kubevirt.image)
        names = frozenset(one for one in (pinned, floating, (pinned or "").rpartition("@")[2]) if one)
        if names:
            yield HistorySlot(arch, "kubevirt", "image"), Carried(pinned or floating or "", given(kubevirt.release), aliases=names)
    if isinstance(gallery, str):
        yield HistorySlot(arch, "azure", "image"), Carried(gallery)
    elif isinstance(gallery, AzureGalleryImage):
        yield HistorySlot(arch, "azure", "image"), Carried(gallery.id, given(gallery.release))


def _of_regions(arch: str, cloud: str, prefix: str, images: ReplicatedImage | None) -> Found:
    for region, image in (given(images.regions) or {} if images else {}).items():
        name = given(image.image)
        if name:
            yield HistorySlot(arch, cloud, f"{prefix}{region}"), Carried(name, given(image.release))


def _of_objects(arch: str, cloud: str, objects: ReplicatedObject | None) -> Found:
    for region, found in (given(objects.regions) or {} if objects else {}).items():
        name, bucket, url = given(found.object), given(found.bucket), given(found.url)
        if name:
            aliases = frozenset({name} | ({url} if url else set()))
            yield HistorySlot(arch, cloud, region), Carried(f"{bucket}/{name}" if bucket else name, given(found.release), aliases=aliases)


def _of_extensions(arch: str, entry: StreamArch) -> Found:
    extensions = given(entry.rhel_coreos_extensions)
    if extensions is None:
        return
    disk, marketplace = given(extensions.azure_disk), given(extensions.marketplace)
    url: str | None = given(disk.url) if disk else None
    yield from _of_regions(arch, "aws", "winli ", given(extensions.aws_winli))
    if disk is not None and url:
        yield HistorySlot(arch, "azure", "azure-disk"), Carried(url.rpartition("/")[2], given(disk.release), aliases=frozenset({url}))
    if marketplace is not None:
        yield from _of_marketplace(arch, marketplace)


def _of_marketplace(arch: str, marketplace: Marketplace) -> Found:
    aws, azure, gcp = given(marketplace.aws), given(marketplace.azure), given(marketplace.gcp)
    if azure is not None:
        for plan, generation, image in azure.images():
            yield HistorySlot(arch, "azure", f"{plan} {generation}"), Carried(image.urn, aliases=frozenset({image.version}))
    for plan in PurchasePlan:
        sold = aws.plan(plan) if aws else None
        for region, copy in (given(sold.regions) or {} if sold else {}).items():
            yield HistorySlot(arch, "aws", f"{plan} {region}"), Carried(copy.image, given(copy.release))
        found = gcp.plan(plan) if gcp else None
        if found is not None:
            yield HistorySlot(arch, "gcp", plan.value), Carried(found.path, given(found.release), aliases=frozenset({found.name}))
