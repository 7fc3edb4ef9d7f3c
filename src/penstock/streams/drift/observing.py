"""The status of every place of a stream: pure, total, and blind to what anybody tolerates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.marketplace import Marketplace, PurchasePlan
from penstock.model.record import given
from penstock.model.stream import Extensions, Stream, StreamArch
from penstock.streams.drift.holdings import compare, holding_of_build
from penstock.streams.drift.places import Entry, entries_of, expected_slots
from penstock.streams.drift.statuses import DriftStatus, Observation
from penstock.streams.populate.entries import Place
from penstock.streams.targets import release_for


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """How an image of the other stream is known for what it is.

    Attributes:
        recorded: place (:class:`Slot` as text) to the image there and the stream it was taken from, as populate recorded it.
        other: the other stream's marketplace by architecture; an entry that is the same there is that stream's.
        other_name: what it is called.
    """

    recorded: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    other: Mapping[str, Marketplace] = field(default_factory=dict)
    other_name: str = ""


NO_FALLBACKS: Final = Fallbacks()


def observe(stream: Stream, fallbacks: Fallbacks = NO_FALLBACKS) -> tuple[Observation, ...]:
    """The status of every place, by architecture in the order of the stream; never raises for what stands in a document."""
    return tuple(seen for arch, content in _architectures(stream) for seen in _observe_arch(arch, content, fallbacks))


def unknown_architectures(stream: Stream) -> tuple[str, ...]:
    """Architectures of the stream that are not judged, because nobody here knows them."""
    known = {arch.value for arch in Arch}
    return tuple(name for name in stream.architectures if name not in known)


def _architectures(stream: Stream) -> Iterator[tuple[Arch, StreamArch]]:
    known = {arch.value: arch for arch in Arch}
    for name, content in stream.architectures.items():
        if name in known:
            yield known[name], content


def _observe_arch(arch: Arch, content: StreamArch, fallbacks: Fallbacks) -> Iterator[Observation]:
    entries = list(entries_of(arch, content))
    filled = {entry.slot for entry in entries}
    seen = [_observe_entry(entry, release_for(content, entry.slot.cloud) or "", fallbacks) for entry in entries]
    for slot, publisher in expected_slots(arch, content):
        if slot not in filled:
            target = release_for(content, slot.cloud) or ""
            seen.append(Observation(slot, DriftStatus.MISSING, "nothing stands here", publisher, target=target))
    # Holes stand where the entry would: in the order of clouds, plans, generations.
    yield from sorted(seen, key=_order)


def _order(seen: Observation) -> tuple[bool, int, int, int]:
    slot = seen.slot
    clouds = (Cloud.AZURE, Cloud.AWS, Cloud.GCP)
    return (
        slot.place is Place.IMAGES,
        clouds.index(slot.cloud),
        list(PurchasePlan).index(slot.plan) if slot.plan else 0,
        slot.generation.number if slot.generation else 0,
    )


def _observe_entry(entry: Entry, target: str, fallbacks: Fallbacks) -> Observation:
    seen = Observation(
        entry.slot,
        DriftStatus.UNPARSABLE,
        "",
        entry.publisher,
        target=target,
        image=entry.image,
        version=entry.version,
        regions=entry.regions,
    )
    if not target:
        return replace(seen, reason="the stream names no build for this architecture")
    try:
        lag = compare(holding_of_build(target), entry.read())
    except InputError as error:
        return replace(seen, reason=error.message)
    seen = replace(seen, status=lag.status, days=lag.days, reason=lag.reason)
    if lag.status not in (DriftStatus.BEHIND, DriftStatus.WRONG_RHEL_MAJOR):
        return seen
    recorded_image, source = fallbacks.recorded.get(str(entry.slot), ("", ""))
    if recorded_image != entry.image:
        source = ""  # the entry was replaced since
    # The same image in the other stream tells something only where it belongs there: that stream may itself have fallen back to this one.
    if not source and lag.status is DriftStatus.WRONG_RHEL_MAJOR and _is_the_other_s(entry, fallbacks):
        source = fallbacks.other_name
    return replace(seen, status=DriftStatus.FALLBACK, reason=f"taken from {source}: {lag.reason}") if source else seen


def _is_the_other_s(entry: Entry, fallbacks: Fallbacks) -> bool:
    marketplace = fallbacks.other.get(entry.slot.arch.value)
    if marketplace is None:
        return False
    beside = StreamArch(rhel_coreos_extensions=Extensions(marketplace=marketplace))
    return any(one.slot == entry.slot and one.image == entry.image for one in entries_of(entry.slot.arch, beside))


def marketplace_of(stream: Stream) -> dict[str, Marketplace]:
    """The marketplace entries of a stream by architecture, as the standalone file has them."""
    found = {}
    for name, content in stream.architectures.items():
        extensions = given(content.rhel_coreos_extensions)
        marketplace = given(extensions.marketplace) if extensions else None
        if marketplace is not None:
            found[name] = marketplace
    return found
