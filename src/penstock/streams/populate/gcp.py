"""Images in Google Cloud: what Red Hat sells in its marketplace, and the public images of Fedora, CentOS Stream and RHEL CoreOS.

Upstream has no program for either: users write the names of marketplace images by hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud, GcpCloudImage, Lifecycle
from penstock.model.errors import NotFoundError
from penstock.model.marketplace import GcpMarketplaceImage
from penstock.model.record import given
from penstock.model.stream import GcpImage
from penstock.model.versions.coreos import OsVersion
from penstock.ports import GcpCatalogue
from penstock.streams.populate.aws_products import build_in
from penstock.streams.populate.concurrently import all_of
from penstock.streams.populate.entries import Evidence, Finding, Place, Rule, Slot
from penstock.streams.populate.gcp_names import MARKETPLACE_PROJECT, PLANS, PREFIXES, GcpMarketplaceName, read_marketplace_name
from penstock.streams.populate.nearest import Candidate, LineBuild, choose, line_build, told
from penstock.streams.populate.placing import standing
from penstock.streams.populate.publishers import Publisher, publisher_of
from penstock.streams.populate.request import Choice, PopulateRequest

_READY = "READY"


async def find_gcp_marketplace(catalogue: GcpCatalogue, request: PopulateRequest) -> list[Finding]:
    """The images of the marketplace of Google Cloud, one finding for each architecture and plan, in the order of the file.

    Raises:
        InputError: what the stream says is no build.
        OperationError: the catalogue refuses.
        TransientError: the catalogue could not be asked; there is no partial answer.
    """
    wanted = [(arch, build) for arch in request.wanted_arches() if (build := line_build(request.build_for(arch, Cloud.GCP))) is not None]
    plans = [plan for plan in request.wanted_plans() if plan in PLANS]
    if not wanted or not plans:
        return []
    listings = await all_of(PREFIXES, lambda prefix: catalogue.list_images(MARKETPLACE_PROJECT, prefix=prefix))
    listed = [image for images in listings for image in images]
    return [_sold(request, Slot(Cloud.GCP, arch, plan), build, listed) for arch, build in wanted for plan in plans]


async def find_gcp_public(catalogue: GcpCatalogue, request: PopulateRequest) -> list[Finding]:
    """The public image of each architecture whose build the stream does not have in Google Cloud; what it has is not looked at.

    With the choice ``latest`` a build whose image is not there gives way to the newest of the stream's family, where there are families.

    Raises:
        InputError: what the stream says is no build.
        OperationError: the catalogue refuses.
        TransientError: the catalogue could not be asked; there is no partial answer.
    """
    wanted = [(arch, build) for arch in request.wanted_arches() if (build := request.build_for(arch, Cloud.GCP)) is not None]
    lacking = [(arch, build) for arch, build in wanted if not _has(_image_of(request, arch), build)]
    return await all_of(lacking, lambda one: _published(catalogue, request, *one))


@dataclass(frozen=True, slots=True)
class _Named:
    """An image of the marketplace and what its name tells."""

    image: GcpCloudImage
    name: GcpMarketplaceName


def _sold(request: PopulateRequest, slot: Slot, build: LineBuild, listed: Sequence[GcpCloudImage]) -> Finding:
    named = [_Named(image, name) for image in listed if (name := read_marketplace_name(image.name)) is not None]
    series = [one for one in named if one.name.plan is slot.plan and one.name.arch is slot.arch]
    evidence = Evidence.of((one.image.name for one in series), source=_source(request, MARKETPLACE_PROJECT), asked_at=request.now)
    candidates = [_candidate(one, build) for one in series if _is_usable(one.image, slot.arch)]
    chosen = choose(candidates, build.target, request.choice)
    if chosen is not None:
        rule, best = chosen
        cloud_image, name = best.image.image, best.image.name
        release = _release_of(best.image, build) or ""
        reason = told(rule, release or f"a build of {name.stamp}", build.text, best.at[0] - build.target.at[0])
        image = GcpMarketplaceImage(project=cloud_image.project, name=cloud_image.name)
        return Finding(
            slot, rule, image.with_fields(release=release) if release else image, release=release, reason=reason, evidence=evidence
        )
    previous = _sold_before(request, slot)
    gone = previous is not None and _is_gone(previous, listed)
    return request.without_image(slot, previous, reason=_why_none(series, build), gone=gone, published=bool(series), evidence=evidence)


def _candidate(named: _Named, wanted: LineBuild) -> Candidate[_Named]:
    stamp = named.name.stamp
    same_release = named.name.ocp is not None and named.name.ocp == wanted.ocp
    return Candidate(
        image=named,
        name=named.image.name,
        line=named.name.rhel,
        at=(stamp.day.toordinal(),),
        same=_release_of(named, wanted) == wanted.text,
        order=(same_release, stamp.key[1]),
        published=named.image.created,
    )


def _release_of(named: _Named, wanted: LineBuild) -> str | None:
    """The build in an image, where something tells it: the description, or the stream by naming the same release and minute.

    A name alone has no ``-N``, and what is not known is not written.
    """
    build = build_in(named.image.description)
    if build is not None:
        return build.text
    name = named.name
    same = name.stamp.minute is not None and name.stamp == wanted.stamp and name.rhel == wanted.line
    return wanted.text if same and name.ocp in (None, wanted.ocp) else None


def _is_gone(previous: GcpMarketplaceImage, listed: Iterable[GcpCloudImage]) -> bool:
    """Whether Google says that an entry's image is deprecated or not there; of images that were not asked for it says nothing."""
    if previous.project != MARKETPLACE_PROJECT or not previous.name.startswith(PREFIXES):
        return False
    return not any(image.name == previous.name and image.lifecycle is not Lifecycle.DEPRECATED for image in listed)


def _why_none(series: list[_Named], build: LineBuild) -> str:
    if not series:
        return "the marketplace has no image of the plan for this architecture"
    lines = ", ".join(str(line) for line in sorted({one.name.rhel for one in series}))
    return f"no usable image is of RHEL {build.line}; there is {lines}"


def _sold_before(request: PopulateRequest, slot: Slot) -> GcpMarketplaceImage | None:
    found = standing(request.previous, request.stream, slot)
    return found if isinstance(found, GcpMarketplaceImage) else None


async def _published(catalogue: GcpCatalogue, request: PopulateRequest, arch: Arch, build: OsVersion) -> Finding:
    """The public image of ``build``, looked for by its name."""
    slot = Slot(Cloud.GCP, arch, place=Place.IMAGES)
    publisher = publisher_of(request.stream.architectures[arch.value], build)
    name = publisher.gcp_name(build, arch)
    images = await _named_so(catalogue, publisher, name)
    evidence = Evidence.of((image.name for image in images), source=_source(request, publisher.gcp_project), asked_at=request.now)
    family = publisher.gcp_family(request.stream.stream, arch)
    if any(_is_usable(image, arch) for image in images):
        found = _public_image(publisher, name, release=build.text, family=family)
        return Finding(slot, Rule.EXACT, found, release=build.text, reason=f"is {name}", evidence=evidence)
    if request.choice is Choice.LATEST and family is not None:
        newest = await _newest(catalogue, publisher, family)
        release = publisher.gcp_build(newest.name, arch) if newest else None
        if newest is not None and release is not None:
            found = _public_image(publisher, newest.name, release=release, family=family)
            return Finding(slot, Rule.LATEST, found, release=release, reason=f"is the newest of the family {family}", evidence=evidence)
    # Not UNFIT: the images of a new build come some time after the build.
    reason = f"{name} is there and cannot be used" if images else f"{publisher.gcp_project} has no {name}"
    return request.without_image(slot, _image_of(request, arch), reason=reason, gone=False, published=False, evidence=evidence)


async def _named_so(catalogue: GcpCatalogue, publisher: Publisher, name: str) -> list[GcpCloudImage]:
    images = await catalogue.list_images(publisher.gcp_project, prefix=name)
    return [image for image in images if image.name == name]


async def _newest(catalogue: GcpCatalogue, publisher: Publisher, family: str) -> GcpCloudImage | None:
    try:
        return await catalogue.newest_of_family(publisher.gcp_project, family)
    except NotFoundError:
        return None


def _public_image(publisher: Publisher, name: str, *, release: str, family: str | None) -> GcpImage:
    image = GcpImage(release=release, project=publisher.gcp_project, name=name)
    return image.with_fields(family=family) if family else image


def _image_of(request: PopulateRequest, arch: Arch) -> GcpImage | None:
    """What the stream has for Google Cloud; None where it has no images there at all, which is the case of whole architectures."""
    found = standing(request.previous, request.stream, Slot(Cloud.GCP, arch, place=Place.IMAGES))
    return found if isinstance(found, GcpImage) else None


def _has(image: GcpImage | None, build: OsVersion) -> bool:
    """Whether the stream's image is that of ``build``; files from before 2022 do not tell the release."""
    return image is not None and bool(given(image.name)) and given(image.release) in (None, build.text)


def _is_usable(image: GcpCloudImage, arch: Arch) -> bool:
    return image.arch in (None, arch) and image.status == _READY and image.lifecycle is not Lifecycle.DEPRECATED


def _source(request: PopulateRequest, project: str) -> str:
    return f"{request.source(Cloud.GCP)}/projects/{project}/global/images"
