"""Rules about what is not there: holes against the rest of the field, and losses against a previous document."""

from collections.abc import Iterator, Mapping
from typing import Final

from penstock.formats.text import Path
from penstock.model.arch import Arch
from penstock.model.marketplace import Generation, Marketplace, MarketplaceFile, PurchasePlan
from penstock.model.record import given
from penstock.model.stream import PlatformArtifacts, Stream, StreamArch
from penstock.streams.lint.builds import is_fedora
from penstock.streams.lint.findings import Findings, LintRule, found

_EVERYWHERE: Final = ("metal", "openstack", "qemu")
_PLATFORMS: Final[Mapping[str, tuple[str, ...]]] = {
    Arch.X86_64: (*_EVERYWHERE, "aws", "azure", "gcp", "vmware"),
    Arch.AARCH64: (*_EVERYWHERE, "aws", "azure", "gcp"),
    Arch.PPC64LE: (*_EVERYWHERE, "powervs"),
    Arch.S390X: _EVERYWHERE,
}
"""What published streams of the last years have for each architecture."""
_METAL: Final[Mapping[str, tuple[str, ...]]] = {
    "iso": ("disk",),
    "pxe": ("kernel", "initramfs", "rootfs"),
    "raw": ("disk",),
    "4k.raw": ("disk",),
}
"""Formats of bare metal without their compression, and the files of each."""
_IMAGES: Final = ("aliyun", "aws", "azure-community", "gcp", "ibmcloud", "kubevirt", "powervs")
_WITH_AZURE_DISK: Final = frozenset({Arch.X86_64.value, Arch.AARCH64.value})
_COPIED_FROM: Final = "us-east-1"
_COMPRESSIONS: Final = (".gz", ".xz", ".zip", ".zst", ".bz2")


def lint_holes(stream: Stream) -> Findings:
    """Tell what an architecture lacks that it has in other streams."""
    fedora = is_fedora(stream)
    for name, arch in stream.architectures.items():
        path: Path = ("architectures", name)
        platforms = given(arch.artifacts) or {}
        for platform in _PLATFORMS.get(name, ()):
            if platform not in platforms:
                message = f"{name} has no files for {platform}, which published streams have"
                yield found(LintRule.ARCHITECTURE_HOLE, (*path, "artifacts"), message)
        if "metal" in platforms:
            yield from _metal(platforms["metal"], name, (*path, "artifacts", "metal"))
        yield from _images(arch, name, path, ("aws", "gcp") if fedora else ("aws", "gcp", "powervs"))
        extensions = given(arch.rhel_coreos_extensions)
        if not fedora and name in _WITH_AZURE_DISK and (extensions is None or given(extensions.azure_disk) is None):
            message = f"{name} has no azure-disk, without which installers refuse Azure"
            yield found(LintRule.ARCHITECTURE_HOLE, (*path, "rhel-coreos-extensions"), message)


def lint_losses(stream: Stream, previous: Stream) -> Findings:
    """Tell what ``previous`` had and ``stream`` has no more."""
    for name, before in previous.architectures.items():
        path: Path = ("architectures", name)
        now = stream.architectures.get(name)
        if now is None:
            yield found(LintRule.ARCHITECTURE_LOST, ("architectures",), f"the previous document has {name}, and this one has not")
            continue
        yield from _lost_files(given(now.artifacts) or {}, given(before.artifacts) or {}, (*path, "artifacts"))
        yield from _lost_images(dict(_cloud_images(now)), dict(_cloud_images(before)), path)
        yield from _lost_marketplace(_marketplace(now), _marketplace(before), (*path, "rhel-coreos-extensions", "marketplace"))


def lint_marketplace_losses(document: MarketplaceFile, previous: MarketplaceFile) -> Findings:
    """Tell which marketplace images ``previous`` had and ``document`` has no more."""
    for arch, before in previous.items():
        yield from _lost_marketplace(document.get(arch), before, (arch,))


def _metal(metal: PlatformArtifacts, arch: str, path: Path) -> Findings:
    formats = {_plain(name): files for name, files in (given(metal.formats) or {}).items()}
    for format_name, parts in _METAL.items():
        files = formats.get(format_name)
        missing = [part for part in parts if files is None or given(getattr(files, part)) is None]
        if missing:
            message = f"{arch} has no {', '.join(missing)} for metal {format_name}, which published streams have"
            yield found(LintRule.ARCHITECTURE_HOLE, (*path, "formats"), message)


def _images(arch: StreamArch, name: str, path: Path, clouds: tuple[str, ...]) -> Findings:
    platforms, images = given(arch.artifacts) or {}, given(arch.images)
    for cloud in clouds:
        if cloud in platforms and (images is None or given(getattr(images, cloud)) is None):
            yield found(LintRule.IMAGE_HOLE, (*path, "images"), f"{name} has a file for {cloud}, and no image in it")
    aws = given(images.aws) if images else None
    regions = (given(aws.regions) if aws else None) or {}
    if regions and _COPIED_FROM not in regions:
        message = f"there is no image in {_COPIED_FROM}, from which installers copy to regions that have none"
        yield found(LintRule.IMAGE_HOLE, (*path, "images", "aws", "regions"), message)


def _lost_files(now: Mapping[str, PlatformArtifacts], before: Mapping[str, PlatformArtifacts], path: Path) -> Findings:
    for platform, artifacts in before.items():
        if platform not in now:
            yield found(LintRule.PLATFORM_LOST, path, f"the previous document has files for {platform}, and this one has not")
            continue
        formats = given(now[platform].formats) or {}
        spellings = {_plain(name): name for name in formats}
        for format_name in given(artifacts.formats) or {}:
            where = (*path, platform, "formats")
            other = spellings.get(_plain(format_name))
            if format_name in formats:
                continue
            if other is None:
                yield found(LintRule.FORMAT_LOST, where, f"the previous document has {platform} {format_name}, and this one has not")
            else:
                yield found(
                    LintRule.FORMAT_CHANGED, where, f"{platform} was {format_name}, and is {other}; readers ask for a format by name"
                )


def _cloud_images(arch: StreamArch) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    """Every set of images with its place and its regions; one that is in no region has none."""
    images, extensions = given(arch.images), given(arch.rhel_coreos_extensions)
    holders = [(("images", name), given(getattr(images, name.replace("-", "_")))) for name in _IMAGES] if images else []
    if extensions is not None:
        holders += [
            (("rhel-coreos-extensions", name), given(getattr(extensions, name.replace("-", "_")))) for name in ("aws-winli", "azure-disk")
        ]
    for place, holder in holders:
        if holder is not None:
            yield place, frozenset(given(getattr(holder, "regions", None)) or {})


def _lost_images(now: Mapping[tuple[str, ...], frozenset[str]], before: Mapping[tuple[str, ...], frozenset[str]], path: Path) -> Findings:
    for place, regions in before.items():
        if place not in now:
            yield found(LintRule.IMAGE_LOST, (*path, place[0]), f"the previous document has {place[-1]}, and this one has not")
            continue
        lost = sorted(regions - now[place])
        if lost:
            message = f"{len(lost)} regions of the previous document are missing: {', '.join(lost)}"
            if len(lost) == 1:
                message = f"a region of the previous document is missing: {lost[0]}"
            yield found(LintRule.REGION_LOST, (*path, *place, "regions"), message)


def _marketplace(arch: StreamArch) -> Marketplace | None:
    extensions = given(arch.rhel_coreos_extensions)
    return given(extensions.marketplace) if extensions else None


def _lost_marketplace(now: Marketplace | None, before: Marketplace | None, path: Path) -> Findings:
    there = dict(_offers(now))
    for offer in _offers(before):
        if offer[0] in there:
            continue
        cloud, plan, generation = offer[0]
        gen2 = there.get((cloud, plan, Generation.GEN2))
        if generation is Generation.GEN1 and gen2 is not None and gen2.endswith("_gen2"):
            continue  # ARO makes no images of the first generation since OpenShift 5.0, whose series end so
        name = " ".join(part for part in (cloud, plan, generation) if part)
        yield found(LintRule.MARKETPLACE_LOST, path, f"the previous document has {name}, and this one has not")


def _offers(entry: Marketplace | None) -> Iterator[tuple[tuple[str, PurchasePlan, Generation | None], str]]:
    """Every image by cloud, plan and generation, with its series where it has one."""
    azure = given(entry.azure) if entry else None
    for plan, generation, image in azure.images() if azure else ():
        yield ("azure", plan, generation), image.sku
    aws, gcp = (given(entry.aws), given(entry.gcp)) if entry else (None, None)
    for plan in PurchasePlan:
        if aws is not None and aws.plan(plan) is not None:
            yield ("aws", plan, None), ""
        if gcp is not None and gcp.plan(plan) is not None:
            yield ("gcp", plan, None), ""


def _plain(format_name: str) -> str:
    """The format without its compression: ``4k.raw``."""
    for suffix in _COMPRESSIONS:
        format_name = format_name.removesuffix(suffix)
    return format_name
