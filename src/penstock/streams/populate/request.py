"""What a populate run is asked to do: one value that the searches of all clouds take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.marketplace import Marketplace, PurchasePlan
from penstock.model.stream import Stream
from penstock.model.versions.coreos import OsVersion, parse_version
from penstock.streams.populate.entries import Evidence, Finding, FoundImage, Rule, Slot
from penstock.streams.populate.override import ReleaseOverride
from penstock.streams.targets import release_for

MARKETPLACE_ARCHES = (Arch.AARCH64, Arch.X86_64)
"""The architectures that marketplaces have images for, in the order of the file."""


class Choice(StrEnum):
    """How the image of a slot is chosen among the candidates."""

    BOUNDED = "bounded"
    """Within the stream's RHEL version: its day, else the newest before, else the oldest after."""
    LATEST = "latest"
    """The stream's own, else the newest of the series, as the enhancement says."""
    UPSTREAM = "upstream"
    """What the installer's own program takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulateRequest:
    """What to look for.

    Attributes:
        stream: whose builds the images are to hold.
        previous: the marketplace file as it stands; ``{}`` where there is none.
        now: the time of the run, in UTC.
        arches: the architectures; empty for all that the stream has.
        plans: the plans; empty for all.
        choice: see :class:`Choice`.
        release: what to look for in place of the stream's own release, or None.
        fallback: another stream's marketplace file, whose plans fill those for which nothing is found; None for none.
        fallback_name: what it is called.
        prune: whether entries whose images are gone are removed.
        tries: how many of the best candidates of one series are looked at.
        parallel: how many questions are under way at a time.
        sources: the address of each cloud's API, for the record; without query and secrets.
    """

    stream: Stream
    previous: Mapping[str, Marketplace] = field(default_factory=dict)
    now: datetime
    arches: tuple[Arch, ...] = ()
    plans: tuple[PurchasePlan, ...] = ()
    choice: Choice = Choice.BOUNDED
    release: ReleaseOverride | None = None
    fallback: Mapping[str, Marketplace] | None = None
    fallback_name: str = ""
    prune: bool = False
    tries: int = 3
    parallel: int = 8
    sources: Mapping[Cloud, str] = field(default_factory=dict)

    def wanted_arches(self) -> tuple[Arch, ...]:
        """The architectures of the stream that marketplaces have and that are asked for, in the order of the file."""
        named = self.arches or MARKETPLACE_ARCHES
        return tuple(arch for arch in MARKETPLACE_ARCHES if arch in named and arch.value in self.stream.architectures)

    def wanted_plans(self) -> tuple[PurchasePlan, ...]:
        """The plans that are asked for, in the order of the file."""
        return tuple(plan for plan in PurchasePlan if not self.plans or plan in self.plans)

    def build_for(self, arch: Arch, cloud: Cloud) -> OsVersion | None:
        """The build that an image shall hold: the one that was asked for, else the stream's; None where the stream has none.

        Raises:
            InputError: what the stream says is no build.
        """
        if self.release is not None and self.release.build is not None:
            return self.release.build
        return self.build_of_stream(arch, cloud)

    def build_of_stream(self, arch: Arch, cloud: Cloud) -> OsVersion | None:
        """The build that the stream itself has, whatever was asked for; None where it has none.

        Raises:
            InputError: what the stream says is no build.
        """
        told = release_for(self.stream.architectures[arch.value], cloud) if arch.value in self.stream.architectures else None
        if told is None:
            return None
        try:
            return parse_version(told)
        except InputError as error:
            raise InputError(error.message, subject=f"{self.stream.stream} {arch}", hint=error.hint) from None

    def source(self, cloud: Cloud) -> str:
        """The address of the cloud's API, or ``""``."""
        return self.sources.get(cloud, "")

    def without_image(
        self, slot: Slot, previous: FoundImage | None, *, reason: str, gone: bool, published: bool, evidence: Evidence | None = None
    ) -> Finding:
        """The finding for a slot that nothing fits.

        Args:
            slot: which.
            previous: what stands there.
            reason: why nothing fits.
            gone: ``previous`` itself can no longer be used, as the catalogue says in so many words; never because of an error.
            published: there are images for this slot, none of which fits; without an entry that is an error.
            evidence: what this rests upon.
        """
        found = evidence or Evidence()
        if previous is None:
            return Finding(slot, Rule.UNFIT if published else Rule.ABSENT, reason=reason, evidence=found)
        if gone and self.prune:
            return Finding(slot, Rule.PRUNED, reason=reason, evidence=found)
        return Finding(slot, Rule.KEPT, previous, reason=reason, evidence=found)
