"""The catalogues that real documents imply: everything that a marketplace file or a stream names is there, and is what it was named for."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.marketplace import Marketplace, MarketplaceFile, PurchasePlan
from penstock.model.record import given
from penstock.model.stream import AzureGalleryImage, Images, Stream
from penstock.model.versions.coreos import FcosVersion, parse_version
from penstock.simulators.cloud.catalogue import Ami, AzureImage, Catalogue, GalleryImage, GcpImage

RHCOS_OWNER = "531415883065"
"""The account whose AMIs the streams of RHEL CoreOS name."""
FCOS_OWNER = "125523088429"
"""The account of Fedora CoreOS."""
MARKETPLACE_OWNER = "679593333241"
"""The account of the AWS Marketplace; its alias is ``aws-marketplace``."""
_DAY = re.compile(r"(?<!\d)20\d{6}")
_GALLERY_ID = re.compile(r"/communityGalleries/([^/]+)/images/([^/]+)/versions/([^/]+)", re.IGNORECASE)
_FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
"""Versions before this century are not ones of CoreOS."""


def implied_catalogue(*, marketplace: MarketplaceFile | None = None, stream: Stream | None = None) -> Catalogue:
    """The catalogue in which every image of these documents is to be found.

    Azure's images were always there and are for the architecture, generation and plan under which the file has them.  AMIs and images of
    Google Cloud are named and described as their publishers do, and appear on the day of their build.
    """
    catalogue = Catalogue()
    for name, one in (marketplace or {}).items():
        catalogue += _of_marketplace(one, Arch.parse(name))
    for name, architecture in (stream.architectures if stream else {}).items():
        arch = Arch.parse(name)
        extensions = given(architecture.rhel_coreos_extensions)
        found = given(extensions.marketplace) if extensions else None
        images = given(architecture.images)
        catalogue += _of_marketplace(found, arch) if found else Catalogue()
        catalogue += _of_images(images, arch) if images else Catalogue()
    return catalogue


def crowded(catalogue: Catalogue, versions_per_sku: int) -> Catalogue:
    """``catalogue`` with older versions in each of Azure's SKUs, one an hour or a day back from the oldest, up to ``versions_per_sku``.

    Raises:
        InputError: a version does not end in a day or an hour.
    """
    series: dict[object, list[AzureImage]] = {}
    for image in catalogue.azure:
        series.setdefault(image.series, []).append(image)
    crowd = [older for images in series.values() for older in _older(images, versions_per_sku - len(images))]
    return replace(catalogue, azure=(*catalogue.azure, *crowd))


def _older(images: list[AzureImage], count: int) -> Iterator[AzureImage]:
    """Versions before the oldest of ``images``, in its shape; by every order those given stay the highest.

    An hour is not put where a day was: the installer's order has ten digits above eight.
    """
    oldest = min(images, key=lambda image: image.version)
    product, _, stamp = oldest.version.rpartition(".")
    with_hours = len(stamp) == len("2026052012")
    step = timedelta(hours=1) if with_hours else timedelta(days=1)
    try:
        start = datetime.strptime(stamp, "%Y%m%d%H" if with_hours else "%Y%m%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"{oldest.version!r} does not end in a day or an hour", subject=str(oldest.series)) from error
    moment = start
    for _ in range(count):
        moment -= step
        if moment < _FIRST_DAY:
            product, moment = _product_before(product), start - step
        yield replace(oldest, version=f"{product}.{moment:%Y%m%d%H}" if with_hours else f"{product}.{moment:%Y%m%d}")


def _product_before(product: str) -> str:
    """The minor version before: ``9.8`` comes after ``9.7``, ``418.94`` after ``417.94``."""
    first, second = product.split(".")
    return f"{first}.{int(second) - 1}" if len(first) < len("418") else f"{int(first) - 1}.94"


def _of_marketplace(marketplace: Marketplace, arch: Arch) -> Catalogue:
    azure, aws, gcp = given(marketplace.azure), given(marketplace.aws), given(marketplace.gcp)
    found = Catalogue()
    if azure is not None:
        images = [
            AzureImage(
                publisher=image.publisher,
                offer=image.offer,
                sku=image.sku,
                version=image.version,
                arch=arch,
                generation=generation,
                plan=plan.paid,
            )
            for plan, generation, image in azure.images()
        ]
        found += Catalogue(azure=tuple(images))
    for plan in PurchasePlan:
        product = aws.plan(plan) if aws else None
        for region, copy in (given(product.regions) or {}).items() if product else ():
            release = given(copy.release) or ""
            found += Catalogue(aws=(_marketplace_ami(region, copy.image, release, product.product if product else "", arch),))
        sold = gcp.plan(plan) if gcp else None
        if sold is not None:
            # Their names hold the day of their build.
            found += Catalogue(gcp=(GcpImage(project=sold.project, name=sold.name, arch=arch, published_at=_day_of(sold.name)),))
    return found


def _marketplace_ami(region: str, ami: str, release: str, product: str, arch: Arch) -> Ami:
    rhel = ".".join(release.split(".")[:2])
    day = _day_of(release)
    stamp = f"{day:%Y%m%d}" if day else "00000000"
    return Ami(
        region=region,
        id=ami,
        name=f"RHEL-{rhel}-RHCOS-{rhel}_HVM_GA-{stamp}-{arch.value}-0-{product}",
        owner=MARKETPLACE_OWNER,
        owner_alias="aws-marketplace",
        description=f"RHEL CoreOS {rhel} {release} {arch.value}",
        arch=arch,
        product_code=product.replace("-", "")[:25],
        published_at=day,
    )


def _of_images(images: Images, arch: Arch) -> Catalogue:
    aws, gcp = given(images.aws), given(images.gcp)
    gallery = images.azure_community
    amis = [
        _published_ami(region, ami, given(copy.release) or "", arch)
        for region, copy in ((given(aws.regions) or {}) if aws else {}).items()
        if (ami := given(copy.image))
    ]
    found = Catalogue(aws=tuple(amis))
    project, name = (given(gcp.project), given(gcp.name)) if gcp else (None, None)
    if gcp and project and name:
        day = _day_of(given(gcp.release) or name)
        image = GcpImage(project=project, name=name, family=given(gcp.family) or "", arch=arch, published_at=day)
        found += Catalogue(gcp=(image,))
    return found + Catalogue(galleries=tuple(_of_gallery(gallery, arch) if isinstance(gallery, str | AzureGalleryImage) else ()))


def _published_ami(region: str, ami: str, release: str, arch: Arch) -> Ami:
    try:
        fedora = isinstance(parse_version(release), FcosVersion)
    except InputError:
        fedora = False
    product, owner = ("fedora-coreos", FCOS_OWNER) if fedora else ("rhcos", RHCOS_OWNER)
    name = f"{product}-{release}-{arch.value}"
    return Ami(region=region, id=ami, name=name, owner=owner, description=name, arch=arch, published_at=_day_of(release))


def _of_gallery(gallery: str | AzureGalleryImage, arch: Arch) -> Iterable[GalleryImage]:
    text = gallery if isinstance(gallery, str) else gallery.id
    release = None if isinstance(gallery, str) else given(gallery.release)
    named = _GALLERY_ID.fullmatch(text)
    if named is not None and named[3].lower() != "latest":
        tags = {"real_version": release} if release else {}
        yield GalleryImage(gallery=named[1], image=named[2], version=named[3], arch=arch, tags=tags)


def _day_of(text: str) -> datetime | None:
    """The day in a build's version, or None where it holds none."""
    found = _DAY.search(text)
    try:
        return datetime.strptime(found[0], "%Y%m%d").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
