"""What a push tells the ledger; for the part of a stream that it gives see :mod:`penstock.publish.fragments`."""

from collections.abc import Sequence

from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.model.push.content import ImageContent
from penstock.model.push.items import PushItem
from penstock.model.push.receipts import Receipt
from penstock.model.push.results import PushResult
from penstock.publish.fragments import release_of


def lineage_of_push(results: Sequence[PushResult], contents: Sequence[ImageContent]) -> tuple[list[Artifact], list[Edge]]:
    """The images that stand in clouds and the files that they were made of.

    ======================  =====================================================
    source → made           why
    ======================  =====================================================
    file → cloud-image      ``published to REGION as NAME``
    ======================  =====================================================

    A file is the one of the source, by the digest of its bytes as they lie there; where it is compressed, the raw disk's digest is one of
    its names.  For an image see ``key``, ``names`` and ``facts`` of the receipts; beside those
    its facts are ``cloud``, ``account``, ``release``, ``content`` and ``state``.  Images of failed results that have a
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
                edges.append(Edge(file.id, image.id, f"published to {receipt.where} as {receipt.called}"))
    return [*files.values(), *images], edges


def _file(content: ImageContent, item: PushItem) -> Artifact:
    names = {item.file_name, content.src} | ({str(content.digest)} if content.compressed else set())
    facts: dict[str, Fact] = {"size_bytes": content.file_size_bytes}
    return Artifact(Kind.FILE, str(content.file_sha256), content.file_sha256, facts, frozenset(names))


def _cloud_image(result: PushResult, receipt: Receipt) -> Artifact:
    told: dict[str, Fact] = {"cloud": result.cloud, "account": receipt.account, "release": release_of(result.item)}
    content: dict[str, Fact] = {"content": str(receipt.content)} if receipt.content is not None else {}
    facts = {**told, **receipt.facts, **content, "state": result.state.value}
    return Artifact(Kind.CLOUD_IMAGE, receipt.key, None, facts, receipt.names)
