"""What a push tells the ledger, and the part of a stream that it gives."""

from collections.abc import Iterator, Mapping, Sequence

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.model.push.content import ImageContent
from penstock.model.push.items import PushItem
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.model.starmap import BillingType
from penstock.model.stream import Images, RegionImage, ReplicatedImage, Stream, StreamArch


def lineage_of_push(results: Sequence[PushResult], contents: Sequence[ImageContent]) -> tuple[list[Artifact], list[Edge]]:
    """The images that stand in clouds and the files that they were made of.

    ======================  =====================================================
    source → made           why
    ======================  =====================================================
    file → cloud-image      ``published to REGION as NAME``
    ======================  =====================================================

    A file is the one of the source, by the digest of its bytes as they lie there; where it is compressed, the raw disk's digest is one of
    its names.  An image's key is the AMI's id; its names the image's name and the snapshot's id; its facts ``cloud``, ``account``,
    ``owner``, ``region``, ``release``, ``snapshot``, ``content``, ``type``, ``public``, ``state``.  Images of failed results that have a
    receipt are in it.
    """
    by_src = {content.src: content for content in contents}
    files: dict[str, Artifact] = {}
    images: list[Artifact] = []
    edges: list[Edge] = []
    for result in results:
        content = by_src.get(result.item.src)
        for receipt in result.receipts:
            image = _cloud_image(result, receipt)
            images.append(image)
            if content is not None:
                file = files.setdefault(content.src, _file(content, result.item))
                edges.append(Edge(file.id, image.id, f"published to {receipt.region} as {receipt.name}"))
    return [*files.values(), *images], edges


def _file(content: ImageContent, item: PushItem) -> Artifact:
    names = {item.file_name, content.src} | ({str(content.digest)} if content.compressed else set())
    facts: dict[str, Fact] = {"size_bytes": content.file_size_bytes}
    return Artifact(Kind.FILE, str(content.file_sha256), content.file_sha256, facts, frozenset(names))


def _cloud_image(result: PushResult, receipt: AmiReceipt) -> Artifact:
    facts: dict[str, Fact] = {
        "cloud": result.cloud,
        "account": receipt.account,
        "owner": receipt.owner,
        "region": receipt.region,
        "release": _release(result.item),
        "snapshot": receipt.snapshot_id,
        "content": str(receipt.content),
        "type": receipt.type,
        "public": receipt.public,
        "state": result.state.value,
    }
    # What is not known is no fact: recorded, it would cover what an earlier run found out.
    known = {key: value for key, value in facts.items() if value != ""}
    return Artifact(Kind.CLOUD_IMAGE, receipt.image_id, None, known, frozenset({receipt.name, receipt.snapshot_id} - {""}))


def stream_fragment(results: Sequence[PushResult], *, stream: str) -> Stream:
    """A stream document that has nothing but the images of this push: ``architectures.ARCH.images.aws.regions.REGION``.

    ``release`` is the build's ``version-release`` (``9.6.20250826-1``, the form of CoreOS builds), ``image`` the AMI.  Only PUSHED results;
    where a region has several billing types the public image goes in, and else the hourly one, then the first by name.  The architecture
    has its RPM name.  No ``last-modified``: the one who merges it knows that.
    """
    chosen: dict[str, dict[str, RegionImage]] = {}
    for result, receipt in sorted(_pushed(results), key=_preference):
        regions = chosen.setdefault(_rpm_arch(result.item.release.arch), {})
        regions.setdefault(receipt.region, RegionImage(release=_release(result.item), image=receipt.image_id))
    return Stream(stream=stream, architectures={arch: _stream_arch(regions) for arch, regions in chosen.items()})


def _pushed(results: Sequence[PushResult]) -> Iterator[tuple[PushResult, AmiReceipt]]:
    for result in results:
        if result.state is ItemState.PUSHED:
            yield from ((result, receipt) for receipt in result.receipts)


def _preference(pair: tuple[PushResult, AmiReceipt]) -> tuple[bool, bool, str, tuple[int, int]]:
    """The best first."""
    result, receipt = pair
    return (not receipt.public, receipt.type != BillingType.HOURLY, receipt.type, result.order)


def _stream_arch(regions: Mapping[str, RegionImage]) -> StreamArch:
    return StreamArch(images=Images(aws=ReplicatedImage(regions=dict(sorted(regions.items())))))


def _release(item: PushItem) -> str:
    return f"{item.build.version}-{item.build.release}"


def _rpm_arch(text: str) -> str:
    try:
        return Arch.parse(text).value
    except InputError:  # one that OpenShift does not know; a stream may have it
        return text
