"""The sentences that several sinks share."""

from penstock.streams.drift.report import Concern, DriftReport
from penstock.streams.drift.statuses import Observation


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


def headline(report: DriftReport, publisher: str, count: int) -> str:
    """What a publisher is told first."""
    images = "1 image" if count == 1 else f"{count} images"
    return f"{report.stream}: {images} of {publisher} to bring up to {', '.join(report.targets) or 'the stream'}"


def shortened(text: str, length: int) -> str:
    """The text on one line, at most this long, without characters that nobody sees: some turn the direction of what follows."""
    line = "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))
    return line if len(line) <= length else f"{line[: length - 1]}…"
