"""The preview asks AWS once a region, and once a product."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from penstock.flow.boot_image_impact import preview_impact
from penstock.formats.codec import decode
from penstock.model.arch import Arch
from penstock.model.catalogue import AwsImage
from penstock.model.stream import Stream
from penstock.rollout.boot_images.aws import MARKETPLACE_OWNER, STANDARD_OWNER
from penstock.rollout.boot_images.cluster import Cluster, MachineSet, Resource
from penstock.rollout.boot_images.decision import Outcome

PRODUCT = "963b36c3-de6f-48ed-b802-2b38b2a2cdeb"


class Shelf:
    """A catalogue in memory that counts what it is asked."""

    def __init__(self, *images: AwsImage) -> None:
        self._images = images
        self.asked: list[str] = []

    async def list_regions(self) -> tuple[str, ...]:
        return ("us-east-1",)

    async def list_images(self, region: str, *, owner: str, name: str) -> tuple[AwsImage, ...]:
        self.asked.append(f"list {region} {owner} {name}")
        return tuple(image for image in self._images if image.region == region and name.strip("*") in image.name)

    async def describe(self, region: str, image_ids: Iterable[str]) -> tuple[AwsImage, ...]:
        wanted = set(image_ids)
        self.asked.append(f"describe {region} {' '.join(sorted(wanted))}")
        return tuple(image for image in self._images if image.region == region and image.id in wanted)


def image(image_id: str, owner: str, description: str = "", region: str = "us-east-1") -> AwsImage:
    name = f"RHEL-9.4-RHCOS-9.6_HVM_GA-20260210-x86_64-0-{PRODUCT}" if owner == MARKETPLACE_OWNER else "rhcos"
    return AwsImage(region, image_id, name, description, owner, "", Arch.X86_64, datetime(2026, 1, 1, tzinfo=UTC))


def machine_set(name: str, image_id: str, region: str = "us-east-1") -> MachineSet:
    return MachineSet(
        Resource.MACHINE_SETS, "openshift-machine-api", name, provider={"ami": {"id": image_id}, "placement": {"region": region}}
    )


STREAM = decode(
    {
        "stream": "rhel-9",
        "architectures": {
            "x86_64": {
                "artifacts": {"aws": {"release": "9.6.20260210-0", "formats": {}}},
                "images": {"aws": {"regions": {"us-east-1": {"release": "9.6.20260210-0", "image": "ami-new"}}}},
            }
        },
    },
    Stream,
    subject="stream",
)


def test_one_request_a_region_and_one_a_product() -> None:
    shelf = Shelf(
        image("ami-old", STANDARD_OWNER),
        image("ami-m1", MARKETPLACE_OWNER, "RHEL CoreOS 9.4 9.4.20250101-0 x86_64"),
        image("ami-m2", MARKETPLACE_OWNER, "RHEL CoreOS 9.6 9.6.20260210-0 x86_64"),
        image("ami-eu", STANDARD_OWNER, region="eu-west-1"),
    )
    sets = [machine_set(f"worker-{number}", "ami-old") for number in range(50)]
    sets += [machine_set(f"paid-{number}", "ami-m1") for number in range(50)] + [machine_set("eu", "ami-eu", "eu-west-1")]
    cluster = Cluster(platform="AWS", install_version="4.14.1", machine_sets=tuple(sets))
    result = asyncio.run(preview_impact(cluster, STREAM, aws=shelf))
    assert sorted(shelf.asked) == [
        "describe eu-west-1 ami-eu",
        "describe us-east-1 ami-m1 ami-old",
        f"list us-east-1 aws-marketplace *{PRODUCT}*",
    ]
    assert (result.counts[Outcome.PATCHED], result.counts[Outcome.SKIPPED]) == (100, 1)
    assert {decision.after for _, decision in result.decisions} == {"ami-new", "ami-m2", ""}


def test_other_clouds_are_not_asked() -> None:
    shelf = Shelf()
    asyncio.run(preview_impact(Cluster(platform="GCP", machine_sets=(machine_set("a", "ami-old"),)), STREAM, aws=shelf))
    assert shelf.asked == []
