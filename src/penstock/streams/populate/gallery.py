"""Images of Azure's community galleries: how they are written in a stream, and which version holds a stream's build.

The enhancement proposes them for OKD's CentOS Stream CoreOS, in the standard part of the stream, as one id or in its parts; both are read,
and the parts are written.  Fedora CoreOS fills its gallery with coreos-assembler (``mantle/platform/api/azure/gallery.go``): a gallery's
version has three numbers only, so that of a build loses a part, and the artifact's tag ``real_version`` keeps the whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud, GalleryVersion
from penstock.model.errors import InputError, NotFoundError
from penstock.model.record import given
from penstock.model.stream import AzureGalleryImage
from penstock.model.versions.azure import AzureImageVersion, azure_version_of
from penstock.model.versions.coreos import FcosVersion, OsVersion, parse_version
from penstock.model.versions.parts import MajorMinor, abridge
from penstock.ports import AzureCatalogue
from penstock.streams.populate.concurrently import all_of
from penstock.streams.populate.entries import Evidence, Finding, Place, Rule, Slot
from penstock.streams.populate.nearest import Candidate, Target, choose, told
from penstock.streams.populate.request import PopulateRequest

REAL_VERSION = "real_version"
"""The tag of an artifact that holds the build."""
LATEST = "latest"

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._()-]{0,89})"
_VERSION = r"(?P<version>latest|[0-9]{1,10}\.[0-9]{1,10}\.[0-9]{1,10})"
_COMMUNITY = re.compile(rf"/CommunityGalleries/(?P<gallery>{_PART})/Images/(?P<image>{_PART})(?:/Versions/{_VERSION})?", re.IGNORECASE)
_OWN = re.compile(
    rf"/resourceGroups/(?P<group>{_PART})/providers/Microsoft\.Compute/galleries/(?P<gallery>{_PART})"
    rf"/images/(?P<image>{_PART})(?:/versions/{_VERSION})?",
    re.IGNORECASE,
)
_ADDRESS = re.compile(rf"(?P<arch>[a-z0-9_]+)=(?P<gallery>{_PART})/(?P<image>{_PART})")
_FEDORA_VERSION = re.compile(r"(?P<release>[1-9][0-9])\.(?P<day>20[0-9]{6})\.(?P<iteration>[0-9]{1,6})")
_ID_HINT = "write /CommunityGalleries/NAME/Images/IMAGE/Versions/latest, or the object {gallery, image, version}"


def parse_gallery_id(text: str) -> AzureGalleryImage:
    """The parts of an id, in either of the forms that Azure takes; without a version it means the latest.

    >>> parse_gallery_id("/CommunityGalleries/okd-6c1f/Images/scos/Versions/latest").version
    'latest'

    Raises:
        InputError: it is no such id, or one with a subscription.
    """
    if text.casefold().startswith("/subscriptions/"):
        raise InputError(
            f"{abridge(text)!r} holds a subscription, which a stream has no place for",
            hint="leave it out: begin with /resourceGroups/, or name a community gallery",
        )
    found = _COMMUNITY.fullmatch(text) or _OWN.fullmatch(text)
    if found is None:
        raise InputError(f"{abridge(text)!r} is not the id of an image in an Azure gallery", hint=_ID_HINT)
    parts = found.groupdict()
    image = AzureGalleryImage(gallery=parts["gallery"], image=parts["image"], version=(parts["version"] or LATEST).casefold())
    return image.with_fields(resource_group=parts["group"]) if "group" in parts else image


def decomposed(entry: str | AzureGalleryImage) -> AzureGalleryImage:
    """What a stream has under ``azure-community``, in its parts.

    Raises:
        InputError: it is one text, and no id.
    """
    return parse_gallery_id(entry) if isinstance(entry, str) else entry


@dataclass(frozen=True, slots=True)
class GalleryAddress:
    """An image definition in a community gallery; a definition is of one architecture.

    Attributes:
        gallery: the public name.
        image: the definition.
    """

    gallery: str
    image: str


def parse_gallery_address(text: str) -> tuple[Arch, GalleryAddress]:
    """Read ``ARCH=GALLERY/IMAGE``, as an option gives it.

    Raises:
        InputError: it is none.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise InputError(f"{abridge(text)!r} is no image of a community gallery", hint="write x86_64=GALLERY/IMAGE")
    return Arch.parse(found["arch"]), GalleryAddress(found["gallery"], found["image"])


def gallery_version_of(build: OsVersion) -> str | None:
    """What a build is called in a gallery; None for a developer's build.

    >>> gallery_version_of(FcosVersion("42.20250526.2.1"))
    '42.20250526.1'
    """
    if isinstance(build, FcosVersion):
        return None if build.dev else f"{build.release}.{build.stamp.day:%Y%m%d}.{build.iteration}"
    return azure_version_of(build)


async def find_gallery(
    catalogue: AzureCatalogue, request: PopulateRequest, *, galleries: Mapping[Arch, GalleryAddress] | None = None
) -> list[Finding]:
    """The version of each architecture's image that holds the stream's build, or the nearest of its line.

    Args:
        catalogue: of Azure.
        request: what to look for.
        galleries: where; without an address an architecture is looked for where its entry in the stream points.

    Returns:
        A finding for each architecture whose gallery is known; its image is in its parts.

    Raises:
        InputError: what the stream says is no build or no id; no gallery is known at all.
        OperationError: the catalogue refuses.
        TransientError: the catalogue could not be asked; there is no partial answer.
    """
    known = [search for arch in request.wanted_arches() if (search := _search(request, arch, (galleries or {}).get(arch))) is not None]
    if not known:
        raise InputError("no community gallery is known", subject=request.stream.stream, hint="name one: --gallery x86_64=GALLERY/IMAGE")
    return await all_of(known, lambda search: search.find(catalogue))


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for, for one architecture.

    Attributes:
        request: the whole.
        slot: of the finding.
        address: where; None where the entry points to a gallery that is not public.
        build: that a version shall hold.
        previous: what the stream has, in its parts.
    """

    request: PopulateRequest
    slot: Slot
    address: GalleryAddress | None
    build: OsVersion
    previous: AzureGalleryImage | None

    async def find(self, catalogue: AzureCatalogue) -> Finding:
        """List the versions and choose."""
        if self.address is None:
            reason = "the gallery of a resource group is not public, and cannot be looked through"
            return self._left(reason, gone=False, published=False)
        gallery, image = self.address.gallery, self.address.image
        try:
            versions = await catalogue.list_gallery_versions(gallery, image)
        except NotFoundError as error:
            return self._left(error.message, gone=self._points_to(self.address), published=False)
        source = f"{self.request.source(Cloud.AZURE)}/communityGalleries/{gallery}/images/{image}/versions"
        evidence = Evidence.of((version.version for version in versions), source=source, asked_at=self.request.now)
        usable = [version for version in versions if self._is_usable(version)]
        candidates = [candidate for version in usable if (candidate := _candidate(version, self.build)) is not None]
        chosen = choose(candidates, _target(self.build), self.request.choice)
        if chosen is not None:
            return self._found(*chosen, evidence)
        reason = "the image has no versions"
        if versions:
            reason = f"none of the {len(versions)} versions of {gallery}/{image} is usable and of the line of {self.build}"
        gone = self._points_to(self.address) and not any(self.previous and version.version == self.previous.version for version in usable)
        return self._left(reason, gone=gone, published=bool(versions), evidence=evidence)

    def _found(self, rule: Rule, best: Candidate[GalleryVersion], evidence: Evidence) -> Finding:
        version = best.image
        release = self.build.text if best.same else _real_version(version)
        image = AzureGalleryImage(gallery=version.gallery, image=version.image, version=version.version)
        image = image.with_fields(release=release) if release else image
        days = best.at[0] - _target(self.build).at[0]
        return Finding(
            self.slot, rule, image, release=release, reason=told(rule, release or version.version, self.build.text, days), evidence=evidence
        )

    def _left(self, reason: str, *, gone: bool, published: bool, evidence: Evidence | None = None) -> Finding:
        return self.request.without_image(self.slot, self.previous, reason=reason, gone=gone, published=published, evidence=evidence)

    def _points_to(self, address: GalleryAddress) -> bool:
        """Whether the stream's own entry is of this image, and of one version of it."""
        previous = self.previous
        return previous is not None and _address_of(previous) == address and previous.version != LATEST

    def _is_usable(self, version: GalleryVersion) -> bool:
        ended = version.end_of_life is not None and version.end_of_life <= self.request.now
        return not version.excluded_from_latest and not ended


def _search(request: PopulateRequest, arch: Arch, address: GalleryAddress | None) -> _Search | None:
    """None where neither the user nor the stream tells of a gallery, or the stream has no build."""
    images = given(request.stream.architectures[arch.value].images)
    entry = images.azure_community if images else None
    try:
        previous = decomposed(entry) if isinstance(entry, str | AzureGalleryImage) else None
    except InputError as error:
        raise InputError(error.message, subject=f"{request.stream.stream} {arch}", hint=error.hint) from None
    build = request.build_for(arch, Cloud.AZURE)
    if build is None or (address is None and previous is None):
        return None
    address = address or (_address_of(previous) if previous else None)
    return _Search(request, Slot(Cloud.AZURE, arch, place=Place.IMAGES), address, build, previous)


def _address_of(image: AzureGalleryImage) -> GalleryAddress | None:
    """Where a version is to be looked for; None for the gallery of a resource group."""
    return GalleryAddress(image.gallery, image.image) if given(image.resource_group) is None else None


def _target(build: OsVersion) -> Target:
    """The line and the time of a build; a build of Fedora is told apart by its iteration too."""
    day = build.stamp.day.toordinal()
    if isinstance(build, FcosVersion):
        return Target(MajorMinor(build.release, 0), (day, build.iteration))
    return Target(build.rhel or _NO_LINE, (day,))


_NO_LINE = MajorMinor(0, 0)


def _candidate(version: GalleryVersion, wanted: OsVersion) -> Candidate[GalleryVersion] | None:
    """A version by the build in it; None for one of another family or another stream of Fedora, and where it cannot be told.

    A tag goes before the number: versions of two streams of Fedora may have the same number.
    """
    real = _real_version(version)
    order: tuple[int, ...] = ()
    if real:
        try:
            build = parse_version(real)
        except InputError:
            return None
        if isinstance(build, FcosVersion) != isinstance(wanted, FcosVersion) or _is_of_other_stream(build, wanted):
            return None
        target, order = _target(build), (*build.stamp.key, build.iteration)
    elif isinstance(wanted, FcosVersion):
        found = _fedora_target(version.version)
        if found is None:
            return None
        target = found
    else:
        try:
            read = AzureImageVersion(version.version)
        except InputError:
            return None
        target = Target(read.rhel, (read.day.toordinal(),))
    same = real == wanted.text if real else version.version == gallery_version_of(wanted)
    published = version.published or _NEVER
    return Candidate(image=version, name=version.version, line=target.line, at=target.at, same=same, order=order, published=published)


_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def _is_of_other_stream(build: OsVersion, wanted: OsVersion) -> bool:
    """Whether both are of Fedora, and of different streams: one day's builds of stable and testing are different systems."""
    return isinstance(build, FcosVersion) and isinstance(wanted, FcosVersion) and build.stream_number != wanted.stream_number


def _fedora_target(version: str) -> Target | None:
    found = _FEDORA_VERSION.fullmatch(version)
    if found is None:
        return None
    try:
        day = date.fromisoformat(found["day"])
    except ValueError:
        return None
    return Target(MajorMinor(int(found["release"]), 0), (day.toordinal(), int(found["iteration"])))


def _real_version(version: GalleryVersion) -> str:
    """What the tag says; Azure does not tell the case of a tag's name."""
    return next((value for name, value in version.tags.items() if name.casefold() == REAL_VERSION), "")
