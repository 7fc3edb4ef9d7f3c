"""The ISOs of CoreOS out of release payloads: from a pullspec to verified files.

A payload is taken by its own word: by the version in its ``release-metadata``, not by that of a list.  Of its component
``machine-os-images`` one ISO is taken for each OS stream (openshift/machine-os-images: ``fetch_image.sh``); its bytes are compared with the
layer's digest, with the ``.sha256`` beside it, with the stream metadata in the image and with that in the release, whichever there are.
"""

from collections import OrderedDict
from dataclasses import replace
from pathlib import PurePosixPath

from penstock.flow.payload_isos import DOCUMENTS, DocumentsAside, IsoInspection, NoIso, stream_isos
from penstock.formats.oci.selection import LayerFilter, Selection
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError, TransientError
from penstock.model.imageref import Reference, parse_reference
from penstock.model.osimage import Brought, ImageRecord, PayloadOrigin, PayloadSteps, Wanted
from penstock.model.versions import ReleaseVersion
from penstock.payload.extract import ExtractedFile, Extraction, PathOption, extract_files, plan_extraction
from penstock.payload.extraction_lineage import lineage_of_extraction
from penstock.payload.known_files import MACHINE_OS_IMAGES, known_iso_digests
from penstock.payload.release import NotARelease, Release, read_resolved_release
from penstock.payload.resolve import PlatformChoice, PlatformMissing, ResolvedImage, resolve_image
from penstock.ports import Ledger, Outlet, ProgressSink, Registry

_FIRST_WITH_ISOS = (4, 11)
_FALLBACK = "name an ISO for it in OS_IMAGES"
_REMEMBERED = 64
_MULTI = "-multi"


class PayloadImages:
    """The part of :class:`penstock.ports.ImageOrigins` that is for payloads."""

    def __init__(self, registry: Registry, outlet: Outlet, ledger: Ledger) -> None:
        """Bring ISOs from ``registry`` through ``outlet``, and record their way in ``ledger``."""
        self._registry = registry
        self._outlet = outlet
        self._ledger = ledger
        # A key is asked for at every look at the lists; what a payload says of itself is read once.
        self._judged: OrderedDict[Digest, str] = OrderedDict()

    async def key(self, wanted: Wanted) -> str:
        """``release sha256:… x86_64``: the release image of the architecture; see :meth:`penstock.ports.ImageOrigins.key`.

        Raises:
            NotFoundError: the payload is not for this architecture, is older than 4.11, or has no ``machine-os-images``.
            TransientError: nobody answered, or the payload is not there, as before it is mirrored.
            InputError: the list names no payload.
        """
        asked, image = await self._resolve(wanted)
        digest = image.raw.digest
        if digest not in self._judged:
            release = await self._read(asked, image, lambda _event: None)
            self._judged[digest] = why_no_isos(release)
            if len(self._judged) > _REMEMBERED:
                self._judged.popitem(last=False)
        if reason := self._judged[digest]:
            raise NotFoundError(reason, subject=str(asked), hint=_FALLBACK)
        return _key(image, wanted.arch)

    async def bring(self, wanted: Wanted, folder: str, progress: ProgressSink) -> tuple[Brought, ...]:
        """Extract the ISOs of all OS streams into ``folder``, which exists; nothing appears there before everything is verified.

        Raises:
            NotFoundError: see :meth:`key`; or the image holds no ISO for the architecture.
            VerificationError: bytes or documents are not what they must be.
            TransientError: bytes did not come.
        """
        asked, image = await self._resolve(wanted)
        release = await self._read(asked, image, progress)
        if reason := why_no_isos(release):
            raise NotFoundError(reason, subject=str(asked), hint=_FALLBACK)
        component = release.image_for(MACHINE_OS_IMAGES)
        isos = stream_isos(release, wanted.arch)
        inspection = IsoInspection(isos, subject=str(component))
        extraction = await self._extract(release, component, inspection, folder, progress)
        await self._ledger.record(*lineage_of_extraction(extraction, str(component), release, MACHINE_OS_IMAGES))
        files = {PurePosixPath(file.path).name: file for file in extraction.files}
        found = [iso for iso in isos if iso.name in files]
        # The first goes by the plain version: the default stream, where the payload has it.
        streams = ["", *(iso.stream for iso in found[1:])]
        return tuple(
            Brought(
                files[iso.name].path,
                files[iso.name].sha256,
                files[iso.name].size_bytes,
                _record(wanted, release, extraction, files[iso.name], build=inspection.builds[iso.name], stream=stream),
            )
            for iso, stream in zip(found, streams, strict=True)
        )

    async def _resolve(self, wanted: Wanted) -> tuple[Reference, ResolvedImage]:
        if not isinstance(wanted.origin, PayloadOrigin):
            raise InputError("this is no release payload", subject=wanted.name)
        asked = parse_reference(wanted.origin.release)
        return asked, await _resolved(self._registry, asked, wanted.arch)

    async def _read(self, asked: Reference, image: ResolvedImage, progress: ProgressSink) -> Release:
        try:
            return await read_resolved_release(self._registry, asked, image, progress)
        except NotARelease:
            raise
        except NotFoundError as error:
            raise _not_there(asked, error) from error

    async def _extract(
        self,
        release: Release,
        component: Reference,
        inspection: IsoInspection,
        folder: str,
        progress: ProgressSink,
    ) -> Extraction:
        """The ISOs alone: what is only read does not count as extracted."""
        isos = inspection.isos
        wanted = [(iso.path, folder) for iso in isos] + [(f"/coreos/{iso.document}", DOCUMENTS) for iso in isos]
        options = [PathOption(path, Selection.parse(path), place, fill=True, optional=True) for path, place in wanted]
        choice = PlatformChoice(release.arch)
        outlet = DocumentsAside(self._outlet, subject=str(component))
        known = known_iso_digests(release.bootimages)
        try:
            plan = await plan_extraction(self._registry, component, options, choice=choice, layers=LayerFilter())
            extraction = await extract_files(self._registry, outlet, plan, known=known, progress=progress, inspect=inspection)
        except NoIso:
            raise
        except PlatformMissing as error:
            raise NotFoundError(f"{MACHINE_OS_IMAGES}: {error.message}", subject=str(release.asked), hint=_FALLBACK) from error
        except NotFoundError as error:
            raise _not_there(component, error) from error
        return replace(extraction, files=tuple(file for file in extraction.files if PurePosixPath(file.path).name in inspection.builds))


def why_no_isos(release: Release) -> str:
    """Why a payload gives no ISO, for people; ``""`` where it does."""
    try:
        version = ReleaseVersion(release.version)
        # Payloads that were made for tests are called 0.0.1; whether they have the component is all that counts.
        too_old = bool(version.major) and (version.major, version.minor) < _FIRST_WITH_ISOS
    except InputError:
        too_old = False
    if too_old:
        return f"the payload is version {release.version}; payloads hold ISOs since 4.11"
    if release.references.pullspec_of(MACHINE_OS_IMAGES) is None:
        return f"the payload {release.version} has no {MACHINE_OS_IMAGES}"
    return ""


async def _resolved(registry: Registry, asked: Reference, arch: Arch) -> ResolvedImage:
    try:
        return await resolve_image(registry, asked, PlatformChoice(arch))
    except PlatformMissing as error:
        raise NotFoundError(error.message, subject=str(asked), hint=f"list a payload for {arch}, or {_FALLBACK}") from error
    except NotFoundError as error:
        raise _not_there(asked, error) from error


def _not_there(ref: Reference, error: NotFoundError) -> TransientError:
    """An image that a registry does not have may come yet, when mirroring goes on; that is not what tells a payload without ISOs."""
    return TransientError(error.message, subject=str(ref), hint="see that the payload is mirrored whole, and the mirrors are named")


def _key(image: ResolvedImage, arch: Arch) -> str:
    return f"release {image.raw.digest} {arch.value}"


def _record(wanted: Wanted, release: Release, extraction: Extraction, file: ExtractedFile, *, build: str, stream: str) -> ImageRecord:
    listed = wanted.origin.release_version if isinstance(wanted.origin, PayloadOrigin) else ""
    ending = f"-{stream}" if stream else ""
    told = (release.version, listed, listed.removesuffix(_MULTI), wanted.openshift_version.removesuffix(_MULTI))
    openshift_version = f"{wanted.openshift_version}{ending}"
    names = [f"{name}{ending}" for name in dict.fromkeys(told) if name]
    return ImageRecord(
        openshift_version=openshift_version,
        version=build,
        arch=wanted.arch,
        type=wanted.type,
        key=_key(release.image, wanted.arch),
        names=tuple(name for name in names if name != openshift_version),
        steps=PayloadSteps(
            release=str(release.asked),
            release_digest=release.image.raw.digest,
            image=release.pullspec_for(MACHINE_OS_IMAGES),
            image_digest=extraction.image.raw.digest,
            layer_digest=file.layer.digest,
            path=file.image_path,
        ),
        checked=file.checked,
    )
