"""The streams of a release payload: what its ``coreos-bootimages`` ConfigMap holds."""

from dataclasses import dataclass

from penstock.formats.bootimages import BootImages
from penstock.model.errors import NotFoundError
from penstock.model.imageref import Reference
from penstock.payload.release import MANIFEST_FOLDER, read_release
from penstock.payload.resolve import PlatformChoice
from penstock.ports import ProgressSink, Registry


@dataclass(frozen=True, slots=True)
class PayloadStreams:
    """The streams of one payload.

    Attributes:
        version: the payload's version, for example ``5.0.0-ec.2``.
        boot_images: what the ConfigMap says; empty objects in its streams mean the same as absent ones.
    """

    version: str
    boot_images: BootImages


async def read_payload_streams(registry: Registry, ref: Reference, progress: ProgressSink = lambda _event: None) -> PayloadStreams:
    """Read the streams of the payload under ``ref``; every byte that is used is verified.

    Of a payload for several architectures any member will do: the ConfigMap holds the boot images of all architectures.

    Raises:
        NotFoundError: there is no such payload, or it has no boot images.
        VerificationError: bytes differ from their digests, or the ConfigMap is broken.
        TransientError: bytes did not come.
    """
    release = await read_release(registry, ref, PlatformChoice(filter_by_os="^linux/"), progress)
    boot_images = release.bootimages
    if boot_images is None:
        raise NotFoundError(
            f"the payload has no ConfigMap coreos-bootimages in {MANIFEST_FOLDER}",
            subject=str(ref),
            hint="payloads have it since 4.8; name a stream file instead",
        )
    return PayloadStreams(release.version, boot_images)
