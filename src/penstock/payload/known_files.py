"""What a release says of files inside its images: the SHA-256 of each CoreOS ISO, by the stream metadata in its ``coreos-bootimages``.

``machine-os-images`` holds ``/coreos/coreos-ARCH.iso`` of the default stream (rhel-9), and since 4.22 ``/coreos/coreosN-ARCH.iso`` of the
stream rhel-N beside it (openshift/machine-os-images: ``fetch_image.sh``); both are downloaded from the stream metadata when it is built.
"""

import re
from collections.abc import Mapping

from penstock.formats.bootimages import DEFAULT_STREAM, BootImages
from penstock.formats.stream import iso_sha256
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.stream import Stream

MACHINE_OS_IMAGES = "machine-os-images"
"""The component that holds the ISOs."""

_NUMBERED = re.compile(r"[a-z]+-(\d+)")


def known_iso_digests(boot_images: BootImages | None) -> Mapping[str, Mapping[str, Digest]]:
    """Path inside ``machine-os-images`` → who says so → the SHA-256 that the file must have."""
    if boot_images is None:
        return {}
    streams: dict[str, Stream] = dict(boot_images.named or {})
    if boot_images.default is not None:
        streams.setdefault(DEFAULT_STREAM, boot_images.default)
    known: dict[str, dict[str, Digest]] = {}
    for name, stream in streams.items():
        for arch_name in stream.architectures:
            try:
                arch = Arch.parse(arch_name)
            except InputError:
                continue
            if (iso := iso_sha256(stream, arch)) is not None:
                digest, _ = iso
                known[f"/coreos/{_prefix(name)}-{arch}.iso"] = {f"the release's stream {name or stream.stream}": digest}
    return known


def _prefix(stream: str) -> str:
    numbered = _NUMBERED.fullmatch(stream)
    return f"coreos{numbered[1]}" if numbered and stream != DEFAULT_STREAM else "coreos"
