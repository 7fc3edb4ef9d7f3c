"""Packing streams into the ``coreos-bootimages`` ConfigMap, in the form of each of its three generations."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from penstock.formats.bootimages import (
    DEFAULT_STREAM,
    SNAPSHOT,
    default_of,
    stamp,
    write_boot_images,
    write_boot_images_compact,
    write_boot_images_verbatim,
)
from penstock.formats.codec import encode_json
from penstock.model.errors import InputError
from penstock.model.marketplace import Marketplace
from penstock.model.stream import Stream
from penstock.streams.document_lineage import Lineage, Source, lineage_of_config_map, lineage_of_merge
from penstock.streams.merging import merge_marketplace
from penstock.streams.plan_booleans import PurchasePlanField, apply_purchase_plan_field, check_purchase_plans


class Compat(StrEnum):
    """The generations, by the release that brought them."""

    V4_8 = "4.8"
    """The stream file byte for byte; it knows no marketplace."""
    V4_20 = "4.20"
    """The merged stream on one line."""
    V5_0 = "5.0"
    """The merged default stream, and all streams by name."""


@dataclass(frozen=True, slots=True)
class PackedStream:
    """A stream that goes into the ConfigMap.

    Attributes:
        name: ``rhel-9``, or ``""`` for one without a name.
        source: its file.
        document: what the file says.
        marketplace: its marketplace file with what that says, or None.
    """

    name: str
    source: Source
    document: Stream
    marketplace: tuple[Source, dict[str, Marketplace]] | None = None

    @property
    def subject(self) -> str:
        """What the stream is called in messages."""
        return self.source.name or self.name or "the stream"

    def merged(self, field: PurchasePlanField | None) -> Stream:
        """The stream with its marketplace images.

        Raises:
            InputError: a boolean of an image disagrees with its plan.
        """
        stream = self.document if self.marketplace is None else merge_marketplace(self.document, self.marketplace[1]).stream
        check_purchase_plans(stream, subject=self.subject)
        return apply_purchase_plan_field(stream, field)


@dataclass(frozen=True, slots=True)
class PackedConfigMap:
    """A ConfigMap that was made.

    Attributes:
        content: its bytes.
        default: the name of the stream that ``data.stream`` holds.
        left_out: the names of the streams that this generation has no place for.
        lineage: what the ledger is told.
    """

    content: bytes
    default: str
    left_out: tuple[str, ...]
    lineage: Lineage


def pack_config_map(
    streams: Sequence[PackedStream],
    compat: Compat = Compat.V5_0,
    *,
    version: str = SNAPSHOT,
    default: str = DEFAULT_STREAM,
    field: PurchasePlanField | None = None,
) -> PackedConfigMap:
    """Make the ConfigMap.

    Args:
        streams: of which there may be one of each name.
        compat: the generation.
        version: of the release; stamped as it is when a payload is made.
        default: of several streams, the one in ``data.stream``.
        field: the boolean to write into Azure's images, or None.

    Raises:
        InputError: there is no stream, none is the default, two have one name, or this generation cannot hold what is asked for.
    """
    named = {stream.name: stream for stream in streams}
    if len(named) < len(streams):
        raise InputError("two streams have the same name", subject=", ".join(stream.name for stream in streams))
    chosen = named[default_of(named, default)]
    if compat is Compat.V5_0:
        merged = {name: stream.merged(field) for name, stream in named.items()}
        content = write_boot_images(merged, default=default)
        parts = [(f"stream {name}" if name else "default stream", stream, merged[name]) for name, stream in sorted(named.items())]
    elif compat is Compat.V4_20:
        stream = chosen.merged(field)
        content = write_boot_images_compact(stream)
        parts = [("default stream", chosen, stream)]
    else:
        if field is not None or chosen.marketplace is not None:
            asked = "a boolean in Azure's images" if field is not None else "marketplace images"
            raise InputError(f"the ConfigMap of 4.8 holds the stream file as it is, and {asked} would change it", subject=chosen.subject)
        content = write_boot_images_verbatim(chosen.source.content, subject=chosen.subject)
        parts = [("default stream", chosen, chosen.document)]
    content = content if version == SNAPSHOT else stamp(content, version)
    left_out = () if compat is Compat.V5_0 else tuple(sorted(named.keys() - {chosen.name}))
    return PackedConfigMap(content, chosen.name, left_out, _lineage(parts, content, version))


def _lineage(parts: Sequence[tuple[str, PackedStream, Stream]], content: bytes, version: str) -> Lineage:
    """The streams lead to the ConfigMap; where marketplace images were merged in, by way of the merged stream."""
    artifacts, edges, into = [], [], []
    for why, packed, merged in parts:
        if packed.marketplace is None:
            into.append((packed.source.artifact, why))
            continue
        found, drawn = lineage_of_merge([packed.source, packed.marketplace[0]], encode_json(merged), merged)
        artifacts += found[1:]
        edges += drawn
        into.append((found[0], why))
    made, last = lineage_of_config_map(into, content, version)
    return [*artifacts, *made], [*edges, *last]
