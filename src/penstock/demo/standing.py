"""What stands in the simulators of clouds after a push, and how often they were asked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from penstock.model.push.accounts import AccountAlias
from penstock.simulators.aws.regions import PARTITIONS
from penstock.simulators.azure import AzureSimulator
from penstock.simulators.azureblobs import AzureBlobsSimulator
from penstock.simulators.cloud.journal import Request
from penstock.simulators.gcp import GcpSimulator
from penstock.simulators.rhsm import RhsmSimulator

if TYPE_CHECKING:
    from penstock.simulators.aws.writable import WritableAwsSimulator

_READING_METHODS: Final = frozenset({"GET", "HEAD"})
_READING_WORDS: Final = ("Describe", "Get", "List", "token")
"""How the operations begin that read, and are asked for by POST."""
_VERSION_PARTS: Final = 4
"""Of the key of a version in a gallery: group, gallery, image, version."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Things of one kind at one place.

    Attributes:
        cloud: the simulator.
        where: account and region, or what else places are called there.
        what: ``objects``, ``snapshots``, ``images`` ….
        count: how many.
        detail: for people, or ``""``.
        size_bytes: of all together; None where they have no size.
    """

    cloud: str
    where: str
    what: str
    count: int
    detail: str = ""
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """How often a simulator was asked.

    Attributes:
        cloud: the simulator.
        reading: calls that change nothing.
        changing: by their names; refused and repeated ones too.
    """

    cloud: str
    reading: int
    changing: Mapping[str, int] = field(default_factory=dict)


def calls_of(cloud: str, requests: Iterable[Request]) -> Calls:
    """The requests of a simulator, counted."""
    listed = list(requests)
    changing = Counter(_name(each) for each in listed if not _is_reading(each))
    return Calls(cloud, len(listed) - changing.total(), dict(sorted(changing.items())))


def standing_in_aws(aws: "WritableAwsSimulator", numbers: Mapping[str, AccountAlias]) -> Iterator[Standing]:
    """Objects, snapshots, images and change sets, by account and region.

    Args:
        aws: while it serves.
        numbers: the accounts by their numbers.
    """
    objects = aws.objects()
    for number, alias in sorted(numbers.items(), key=lambda pair: pair[1]):
        for region in sorted(region for partition in PARTITIONS for region in partition):
            where = f"{alias} {region}"
            held = [each for each in objects if (each.owner, each.region) == (number, region)]
            if held:
                yield Standing("aws", where, "objects", len(held), size_bytes=sum(each.size_bytes for each in held))
            snapshots = [each for each in aws.snapshots(region) if each.owner == number]
            if snapshots:
                yield Standing("aws", where, "snapshots", len(snapshots))
            images = [each for each in aws.registered_images(region) if each.owner == number]
            if images:
                shared = {account for each in images for account in each.shared_with}
                yield Standing("aws", where, "images", len(images), _open_to(sum(each.public for each in images), shared))
        runs = [each for each in aws.market.all() if each.caller.account == number]
        if runs:
            yield Standing("aws", str(alias), "change sets", len(runs), _counted(each.status.lower() for each in runs))


def standing_in_rhsm(rhsm: RhsmSimulator) -> Iterator[Standing]:
    """Regions and images that it was told of."""
    if rhsm.regions:
        yield Standing("rhsm", "", "regions", len({region for _, region in rhsm.regions}))
    if rhsm.images:
        yield Standing("rhsm", "", "images", len(rhsm.images))


def standing_in_azure(azure: AzureSimulator) -> Iterator[Standing]:
    """Jobs of product ingestion, by product, and versions of images in galleries."""
    publisher = azure.publisher
    publisher.settle()
    for product in publisher.products.values():
        jobs = [each for each in publisher.jobs.values() if each.product == product.id]
        if jobs:
            states = (str(each.document(azure.clock.now)["jobResult"]) for each in jobs)
            yield Standing("azure", product.offer, "jobs", len(jobs), _counted(states))
    galleries = Counter(key[:2] for key, made in azure.galleries.resources.items() if len(key) == _VERSION_PARTS and not made.problem)
    for (_, gallery), count in sorted(galleries.items()):
        yield Standing("azure", gallery, "gallery images", count)


def standing_in_blobs(blobs: AzureBlobsSimulator, alias: AccountAlias) -> Iterator[Standing]:
    """Blobs of a storage account; their size is what was written, without holes."""
    if blobs.blobs:
        yield Standing("blobs", str(alias), "blobs", len(blobs.blobs), size_bytes=sum(each.bytes_written for each in blobs.blobs.values()))


def standing_in_google(gcp: GcpSimulator, projects: Mapping[str, AccountAlias]) -> Iterator[Standing]:
    """Objects in all buckets, and images by project."""
    objects = gcp.storage.objects.values()
    if objects:
        yield Standing("gcp", "", "objects", len(objects), size_bytes=sum(each.size_bytes for each in objects))
    for project, alias in sorted(projects.items()):
        images = gcp.making.of_project(project)
        if images:
            yield Standing("gcp", f"{alias} {project}", "images", len(images))


def _open_to(public: int, shared: Iterable[str]) -> str:
    others = len(set(shared))
    told = [f"{public} public"] if public else []
    told += [f"shared with {others} {'account' if others == 1 else 'accounts'}"] if others else []
    return ", ".join(told)


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(Counter(words).items()))


def _name(request: Request) -> str:
    return request.api if request.api != "unknown" else f"{request.method} {request.path}"


def _is_reading(request: Request) -> bool:
    """Whether a call changes nothing: by its method, and where all are POST by the name of the operation."""
    return request.method in _READING_METHODS or request.api.rpartition(".")[2].startswith(_READING_WORDS)
