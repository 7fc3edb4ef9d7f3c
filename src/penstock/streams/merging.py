"""Putting marketplace images into a stream, as the installer does when it prints or ships its stream.

Every architecture of the stream that the marketplace file has gets that entry in the place of its own, whole; nothing else changes.
An architecture without ``rhel-coreos-extensions`` gets them: upstream lost the entry there until 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.formats.stream import parse_marketplace
from penstock.model.errors import InputError
from penstock.model.marketplace import Marketplace, MarketplaceFile
from penstock.model.record import given
from penstock.model.stream import Extensions, Stream, StreamArch


@dataclass(frozen=True, slots=True)
class Merged:
    """A stream with its marketplace images.

    Attributes:
        stream: the result.
        ignored: architectures of the marketplace file that the stream does not have, sorted.
    """

    stream: Stream
    ignored: tuple[str, ...]


def parse_merged_marketplace(content: bytes, *, subject: str) -> MarketplaceFile:
    """Read a marketplace file that is to be merged: one without any architecture, which populate fills, is of no use here.

    Raises:
        InputError: it is no marketplace file, or an empty one.
    """
    marketplace = parse_marketplace(content, subject=subject)
    if not marketplace:
        hint = "it has architectures (x86_64, aarch64) as its keys; penstock streams populate fills it"
        raise InputError("an empty object is no marketplace file to merge", subject=subject, hint=hint)
    return marketplace


def merge_marketplace(stream: Stream, marketplace: Mapping[str, Marketplace]) -> Merged:
    """Merge a marketplace file into a stream; neither is changed."""
    architectures = {
        name: _with_marketplace(arch, marketplace[name]) if name in marketplace else arch for name, arch in stream.architectures.items()
    }
    ignored = tuple(sorted(marketplace.keys() - stream.architectures.keys()))
    return Merged(stream.with_fields(architectures=architectures), ignored)


def _with_marketplace(arch: StreamArch, entry: Marketplace) -> StreamArch:
    extensions = given(arch.rhel_coreos_extensions) or Extensions()
    return arch.with_fields(rhel_coreos_extensions=extensions.with_fields(marketplace=entry))
