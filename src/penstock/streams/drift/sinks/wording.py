"""The sentences that several sinks share."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from penstock.streams.drift.report import Concern, DriftReport
from penstock.streams.drift.statuses import DriftStatus, Observation

_SAID: Final[Mapping[DriftStatus, tuple[str, str]]] = {
    DriftStatus.BEHIND: ("lags behind", "lag behind"),
    DriftStatus.MISSING: ("is missing", "are missing"),
    DriftStatus.AHEAD: ("is ahead of the stream", "are ahead of the stream"),
    DriftStatus.WRONG_RHEL_MAJOR: ("is of another RHEL major", "are of another RHEL major"),
    DriftStatus.DEPRECATED: ("is deprecated", "are deprecated"),
    DriftStatus.UNPARSABLE: ("has a version that cannot be compared", "have versions that cannot be compared"),
    DriftStatus.FALLBACK: ("is taken from another stream", "are taken from another stream"),
    DriftStatus.EXACT: ("is exact, and of no RHEL that counts", "are exact, and of no RHEL that counts"),
}
"""Of one image and of several; an exact one is a concern only where the floor of the AWS Marketplace is above the stream."""


def standing(seen: Observation) -> str:
    """What an image is and how it stands: ``9.8.20260428: exact (the same OS and day)``."""
    held = f"{seen.version}: " if seen.version else ""
    return f"{held}{seen.status} ({seen.reason})"


def line_of(concern: Concern) -> str:
    """A concern in one line, with the build that is wanted."""
    seen = concern.finding.seen
    wanted = f", wanted {seen.target}" if seen.target else ""
    before = f"; before the bump {concern.before.status}" if concern.before is not None else ""
    return f"{seen.name}: {standing(seen)}{wanted}{before}"


def stand(observations: Iterable[Observation], *, what: str) -> str:
    """How many stand how: ``2 boot images lag behind, 1 is ahead of the stream``.

    Args:
        observations: one at least.
        what: they are called, of one and of several by an ``s`` apart: ``boot image``.
    """
    counted = Counter(seen.status for seen in observations)
    parts: list[str] = []
    for status, (one, several) in _SAID.items():
        count = counted[status]
        noun = "" if parts else f" {what}" if count == 1 else f" {what}s"
        if count:
            parts.append(f"{count}{noun} {one if count == 1 else several}")
    return ", ".join(parts)


def headline(report: DriftReport, publisher: str, members: Iterable[Concern]) -> str:
    """What a publisher is told first: whose images they are, how they stand, and which build is wanted."""
    wanted = ", ".join(report.targets)
    told = stand((concern.finding.seen for concern in members), what="image")
    return f"{report.stream}, {publisher}: {told}{f'; wanted: {wanted}' if wanted else ''}"


def shortened(text: str, length: int) -> str:
    """The text on one line, at most this long, without characters that nobody sees: some turn the direction of what follows."""
    line = "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))
    return line if len(line) <= length else f"{line[: length - 1]}…"
