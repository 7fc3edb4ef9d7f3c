"""What a new stream would do to a cluster's MachineSets: the rules of ``rollout`` over a stream, and over what AWS says of their AMIs."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from penstock.model.catalogue import AwsImage
from penstock.model.stream import Stream
from penstock.ports import AwsCatalogue
from penstock.rollout.boot_images.aws import MARKETPLACE_OWNER, KnownImages, current_ami, product_of
from penstock.rollout.boot_images.cluster import Cluster
from penstock.rollout.boot_images.preview import Preview, preview

_MARKETPLACE_ALIAS = "aws-marketplace"


async def preview_impact(cluster: Cluster, stream: Stream, *, aws: AwsCatalogue | None, release_version: str = "") -> Preview:
    """Who would be patched, skipped or fail, and whether upgrades would be blocked.

    Args:
        cluster: as it is.
        stream: the default stream of the new release, with its marketplace images.
        aws: the catalogue that tells whose an AMI is; without it most machine sets on AWS stay undecided.
        release_version: of the new release, or ``""``.

    Raises:
        PenstockError: the catalogue cannot be asked.
    """
    known = await ask_for_images(cluster, aws) if aws is not None and cluster.platform == "AWS" else KnownImages()
    return preview(cluster, stream, known=known, release_version=release_version)


async def ask_for_images(cluster: Cluster, aws: AwsCatalogue) -> KnownImages:
    """What the catalogue says of the AMIs of all machine sets, and of the marketplace products behind them: a request a region each."""
    asked: dict[str, set[str]] = defaultdict(set)
    for machine_set in cluster.machine_sets:
        region, ami = current_ami(machine_set)
        if region and ami:
            asked[region].add(ami)
    described = await asyncio.gather(*(aws.describe(region, sorted(ids)) for region, ids in asked.items()))
    images = [image for answer in described for image in answer]
    products = sorted({(image.region, product_of(image)) for image in images if image.owner == MARKETPLACE_OWNER and product_of(image)})
    listed = await asyncio.gather(*(aws.list_images(region, owner=_MARKETPLACE_ALIAS, name=f"*{product}*") for region, product in products))
    return KnownImages(_by_id(images), dict(zip(products, listed, strict=True)), complete=True)


def _by_id(images: Iterable[AwsImage]) -> dict[tuple[str, str], AwsImage]:
    return {(image.region, image.id): image for image in images}
