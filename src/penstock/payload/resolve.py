"""From a reference to the one image that is meant: through indexes, for one platform."""

import platform as host
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock.formats.oci.descriptor import Descriptor, Platform, RawManifest
from penstock.formats.oci.image import ImageConfig, ImageManifest, parse_config, parse_manifest
from penstock.model.arch import Arch
from penstock.model.errors import InputError, NotFoundError, VerificationError
from penstock.model.imageref import Reference
from penstock.ports import Registry

_MAX_INDEX_DEPTH = 4


class PlatformMissing(NotFoundError):
    """The image is there, and there is none of it for the platform that was asked for."""


@dataclass(frozen=True, slots=True)
class PlatformChoice:
    """Which entry of an index is wanted.

    Attributes:
        arch: an architecture, on Linux; None where the user named none.
        filter_by_os: an unanchored regular expression over ``os/arch[/variant]``, as ``oc --filter-by-os`` takes; None where not given.
    """

    arch: Arch | None = None
    filter_by_os: str | None = None

    def __post_init__(self) -> None:
        """Refuse a filter that is no regular expression."""
        try:
            re.compile(self.filter_by_os or "")
        except re.error as error:
            raise InputError(f"--filter-by-os: {error}", subject=self.filter_by_os or "", hint="for example linux/arm64") from None

    @property
    def is_default(self) -> bool:
        """Whether the user left the choice to the program."""
        return self.arch is None and self.filter_by_os is None

    def choose(self, manifests: Sequence[Descriptor], *, subject: str) -> Descriptor:
        """The entry that is wanted; without a wish the local platform's, then ``linux`` on the local architecture, then an only entry.

        Raises:
            PlatformMissing: no entry fits.
        """
        # Attestations stand in indexes as entries of platform unknown/unknown.
        real = [item for item in manifests if item.platform is None or item.platform.os != "unknown"]
        for fits in self._wishes():
            for item in real:
                if item.platform is not None and fits(item.platform):
                    return item
        if self.is_default and len(real) == 1:
            return real[0]
        present = ", ".join(str(item.platform) for item in real if item.platform) or "none"
        wanted = self.filter_by_os or f"linux/{(self.arch or local_arch()).oci}"
        raise PlatformMissing(
            f"no image for {wanted} in the index; it has {present}", subject=subject, hint="choose with --arch or --filter-by-os"
        )

    def _wishes(self) -> list[Callable[[Platform], bool]]:
        if self.filter_by_os is not None:
            pattern = re.compile(self.filter_by_os)
            return [lambda item: pattern.search(str(item)) is not None]
        oci = (self.arch or local_arch()).oci
        return [lambda item: item.os == "linux" and item.architecture == oci]


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """One image, pinned.

    Attributes:
        ref: the reference with the manifest's digest.
        raw: the manifest's exact bytes.
        manifest: the manifest.
        config: the image config.
        indexes: the indexes that led here, outermost first.
    """

    ref: Reference
    raw: RawManifest
    manifest: ImageManifest
    config: ImageConfig
    indexes: tuple[RawManifest, ...]


async def resolve_image(registry: Registry, ref: Reference, choice: PlatformChoice) -> ResolvedImage:
    """Follow indexes (also an index in an index) to the image for the wanted platform; every digest is verified.

    Raises:
        PlatformMissing: the image is there, and is none for the platform.
        NotFoundError: there is no such image.
        VerificationError: a document is broken, or indexes are nested without end.
    """
    subject = str(ref)
    raw, manifest, indexes = await _descend(registry, ref, choice, ())
    pinned = ref.with_digest(raw.digest)
    config = parse_config(await registry.fetch_blob(pinned, manifest.config), subject=f"{subject} config")
    if choice.arch is not None and config.platform.architecture != choice.arch.oci:
        message = f"the image is for {config.platform}, not {choice.arch.oci}"
        raise PlatformMissing(message, subject=subject, hint="name the other architecture's image")
    return ResolvedImage(pinned, raw, manifest, config, indexes)


_Path = tuple[RawManifest, ImageManifest, tuple[RawManifest, ...]]


async def _descend(registry: Registry, ref: Reference, choice: PlatformChoice, above: tuple[RawManifest, ...]) -> _Path:
    subject = str(ref)
    if len(above) > _MAX_INDEX_DEPTH:
        raise VerificationError(f"indexes are nested more than {_MAX_INDEX_DEPTH} deep", subject=subject, hint="the image is broken")
    raw = await registry.fetch_manifest(ref)
    document = parse_manifest(raw, subject=subject)
    if isinstance(document, ImageManifest):
        return raw, document, above
    here = (*above, raw)
    try:
        entry = choice.choose(document.manifests, subject=subject)
    except PlatformMissing:
        # An index inside an index need not carry a platform: what is wanted may stand in it.
        for nested in (item for item in document.manifests if item.platform is None):
            try:
                return await _descend(registry, ref.with_digest(nested.digest), choice, here)
            except NotFoundError:
                continue
        raise
    return await _descend(registry, ref.with_digest(entry.digest), choice, here)


def local_arch() -> Arch:
    """The architecture of this machine; x86_64 where it is one that OpenShift is not built for."""
    try:
        return Arch.parse(host.machine())
    except InputError:
        return Arch.X86_64
