"""Catalogues in memory, streams in a few words, and requests."""

import fnmatch
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.formats.stream import parse_marketplace, parse_stream
from penstock.model.arch import Arch
from penstock.model.catalogue import AwsImage, AzureImageDetails, AzureSku, GalleryVersion, GcpCloudImage
from penstock.model.errors import NotFoundError, OperationError, PenstockError
from penstock.model.stream import Stream
from penstock.streams.populate.aws_products import MARKETPLACE_OWNER, PRODUCTS
from penstock.streams.populate.gallery import GalleryAddress
from penstock.streams.populate.gcp_names import MARKETPLACE_PROJECT
from penstock.streams.populate.request import PopulateRequest

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class MemoryAws:
    """:class:`penstock.ports.AwsCatalogue` over a list; a region may fail, and every question is noted."""

    images: list[AwsImage] = field(default_factory=list)
    regions: tuple[str, ...] | PenstockError = ("eu-west-1", "us-east-1")
    broken: dict[str, PenstockError] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def list_regions(self) -> tuple[str, ...]:
        if isinstance(self.regions, PenstockError):
            raise self.regions
        return self.regions

    async def list_images(self, region: str, *, owner: str, name: str) -> tuple[AwsImage, ...]:
        self.asked.append((region, owner, name))
        if region in self.broken:
            raise self.broken[region]
        mine = (image for image in self.images if image.region == region and owner in (image.owner, image.owner_alias))
        return tuple(image for image in mine if fnmatch.fnmatchcase(image.name, name))

    async def describe(self, region: str, image_ids: Iterable[str]) -> tuple[AwsImage, ...]:
        wanted = set(image_ids)
        return tuple(image for image in self.images if image.region == region and image.id in wanted)


@dataclass
class MemoryGcp:
    """:class:`penstock.ports.GcpCatalogue` over a list."""

    images: list[GcpCloudImage] = field(default_factory=list)

    async def list_images(self, project: str, *, prefix: str) -> tuple[GcpCloudImage, ...]:
        return tuple(image for image in self.images if image.project == project and image.name.startswith(prefix))

    async def newest_of_family(self, project: str, family: str) -> GcpCloudImage:
        found = [image for image in self.images if (image.project, image.family) == (project, family)]
        if not found:
            raise NotFoundError("is not there", subject=family)
        return max(found, key=lambda image: image.created)


@dataclass
class MemoryGalleries:
    """The part of :class:`penstock.ports.AzureCatalogue` that concerns galleries, over a list."""

    versions: list[GalleryVersion] = field(default_factory=list)

    async def list_versions(self, sku: AzureSku) -> tuple[str, ...]:
        raise AssertionError(f"nobody looks for {sku} here")

    async def describe(self, sku: AzureSku, version: str) -> AzureImageDetails:
        raise AssertionError(f"nobody looks for {sku.urn(version)} here")

    async def list_gallery_versions(self, gallery: str, image: str) -> tuple[GalleryVersion, ...]:
        found = tuple(version for version in self.versions if (version.gallery, version.image) == (gallery, image))
        if not found:
            raise NotFoundError("the gallery does not have it", subject=f"{gallery}/{image}")
        return found


@pytest.fixture
def aws() -> MemoryAws:
    return MemoryAws()


@pytest.fixture
def asked(aws: MemoryAws) -> list[tuple[str, str, str]]:
    """The questions for images that AWS was asked: region, owner, name."""
    return aws.asked


@pytest.fixture
def break_region(aws: MemoryAws) -> Callable[[str, PenstockError], None]:
    """Let every question in a region fail."""
    return aws.broken.__setitem__


@pytest.fixture
def hide_regions(aws: MemoryAws) -> None:
    """An account that may not ask for the regions."""
    aws.regions = OperationError("these credentials may not ask this")


@pytest.fixture
def publish_ami(aws: MemoryAws) -> Callable[..., AwsImage]:
    """Publish an AMI for everybody; its architecture is that of its name."""

    def put(name: str, ami: str, *, owner: str = "531415883065", region: str = "us-east-1", **more: object) -> AwsImage:
        arch = Arch.AARCH64 if name.endswith("aarch64") else Arch.X86_64
        fields: dict[str, Any] = {"description": "", "owner_alias": "", "arch": arch, "created": NOW, **more}
        image = AwsImage(region=region, id=ami, name=name, owner=owner, **fields)
        aws.images.append(image)
        return image

    return put


@pytest.fixture
def gcp() -> MemoryGcp:
    return MemoryGcp()


@pytest.fixture
def offer(gcp: MemoryGcp) -> Callable[..., None]:
    """Put an image into a project of Google Cloud, that of the marketplace unless another is named."""

    def put(name: str, *, project: str = MARKETPLACE_PROJECT, **more: object) -> None:
        fields: dict[str, Any] = {"family": "", "arch": None, "created": NOW, **more}
        gcp.images.append(GcpCloudImage(project=project, name=name, **fields))

    return put


@pytest.fixture
def azure() -> MemoryGalleries:
    return MemoryGalleries()


@pytest.fixture
def publish_version(azure: MemoryGalleries) -> Callable[..., None]:
    """Publish a version in a community gallery."""

    def put(address: GalleryAddress, version: str, tags: Mapping[str, str], **more: object) -> None:
        fields: dict[str, Any] = {**more}
        azure.versions.append(GalleryVersion(address.gallery, address.image, version, tags=tags, **fields))

    return put


@pytest.fixture
def sell(aws: MemoryAws) -> Callable[..., AwsImage]:
    """Put an image of a product into the AWS Marketplace, described as Red Hat describes them."""

    def put(build: str, ami: str, *, arch: Arch = Arch.X86_64, plan: str = "ocp", region: str = "us-east-1", **more: object) -> AwsImage:
        product = next(uuid for (of, named), uuid in PRODUCTS.items() if (of, named.value) == (arch, plan))
        fields: dict[str, Any] = {
            "name": f"RHEL-9.4-RHCOS-9.6_HVM_GA-{ami}-{arch}-0-{product}",
            "description": f"RHEL CoreOS 9.6 {build} {arch}",
            "owner": "679593333241",
            "owner_alias": MARKETPLACE_OWNER,
            "arch": arch,
            "created": NOW - timedelta(days=20),
            **more,
        }
        if "boots" in fields:
            fields["arch"] = fields.pop("boots")
        image = AwsImage(region=region, id=ami, **fields)
        aws.images.append(image)
        return image

    return put


@pytest.fixture
def make_stream() -> Callable[..., Stream]:
    """A stream whose every platform holds one build."""

    def make(
        build: str = "9.6.20260214-0",
        *,
        name: str = "rhcos-4.20",
        arches: Iterable[str] = ("x86_64",),
        images: Mapping[str, Any] | None = None,
        distribution: str = "rhcos",
    ) -> Stream:
        def artifacts(arch: str) -> dict[str, Any]:
            disk = {"location": f"https://mirror.example.com/{distribution}-{build}-aws.{arch}.vmdk.gz", "sha256": "0" * 64}
            return {platform: {"release": build, "formats": {"vmdk.gz": {"disk": disk}}} for platform in ("aws", "azure", "gcp", "metal")}

        document = {
            "stream": name,
            "metadata": {"last-modified": "2026-02-20T00:00:00Z"},
            "architectures": {arch: {"artifacts": artifacts(arch), "images": images or {}} for arch in arches},
        }
        return parse_stream(json.dumps(document).encode(), subject="stream")

    return make


@pytest.fixture
def make_request() -> Callable[..., PopulateRequest]:
    """A request; the marketplace file as a plain document."""

    def make(stream: Stream, *, previous: Mapping[str, Any] | None = None, **fields: object) -> PopulateRequest:
        document = parse_marketplace(json.dumps(previous or {}).encode(), subject="marketplace") if previous else {}
        known: dict[str, Any] = {**fields}
        return PopulateRequest(stream=stream, previous=document, now=NOW, **known)

    return make
