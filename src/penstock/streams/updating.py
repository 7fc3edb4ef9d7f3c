"""Editing update metadata: barriers, dead ends and rollouts of a Fedora CoreOS stream.

The rules are those of the project's own rollout tool (coreos/fedora-coreos-streams), for documents that its nodes' update graph reads:

* a rollout whose time is over becomes ``{"start_percentage": 1.0}``;
* of several completed rollouts only the newest, the last in the file, stays;
* a release of which nothing is left to say is dropped.  Keys that nobody here knows are something to say.

Every edit gives a new document; the one that was given is not changed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from penstock.formats.jsontext import NumberLiteral
from penstock.model.errors import InputError, NotFoundError
from penstock.model.record import Record, given
from penstock.model.updates import Reason, Rollout, Update, UpdateMetadata, Updates, UpdatesMetadata
from penstock.model.versions import FCOS_STREAMS, FcosVersion
from penstock.streams.moments import LAST_SECOND

_SECONDS_A_MINUTE = 60


class RolloutState(StrEnum):
    """Where a rollout stands."""

    PLANNED = "planned"
    RUNNING = "running"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """A rollout at one moment.

    Attributes:
        state: where it stands.
        share: of the nodes that are offered the release, 0.0 to 1.0.
        start_s: when it begins, in seconds since the epoch; None where the document does not say.
        end_s: when it is complete; None where it has no duration.
    """

    state: RolloutState
    share: float
    start_s: int | None
    end_s: int | None


def rollout_status(rollout: Rollout, *, now_s: int) -> RolloutStatus:
    """Where ``rollout`` stands at ``now_s``, as the update graph reckons: nothing before its start, then in proportion.

    Raises:
        InputError: its numbers are none.
    """
    start_share, minutes = _number(rollout, "start_percentage"), _number(rollout, "duration_minutes")
    start_s = _number(rollout, "start_epoch")
    began = None if given(rollout.start_epoch) is None else math.floor(start_s)
    if start_share >= 1:
        return RolloutStatus(RolloutState.COMPLETED, 1.0, began, None)
    end_s = start_s + minutes * _SECONDS_A_MINUTE if minutes > 0 else None
    ends = None if end_s is None else math.floor(end_s)
    if now_s < start_s:
        return RolloutStatus(RolloutState.PLANNED, 0.0, began, ends)
    if end_s is None:
        return RolloutStatus(RolloutState.RUNNING, float(start_share), began, None)
    if now_s > end_s:
        return RolloutStatus(RolloutState.COMPLETED, 1.0, began, ends)
    share = start_share + (1 - start_share) * (now_s - start_s) / (end_s - start_s)
    return RolloutStatus(RolloutState.RUNNING, float(share), began, ends)


def set_barrier(updates: Updates, version: str, reason: str) -> Updates:
    """``updates`` with ``version`` as one that nodes must pass through.

    Raises:
        InputError: the version is none of this stream, the reason is no address, or the release is a dead end.
    """
    return _edited(updates, version, lambda old: _marked(old, version, barrier=_reason(reason)))


def set_deadend(updates: Updates, version: str, reason: str) -> Updates:
    """``updates`` with ``version`` as one that nodes cannot leave by themselves; raises as :func:`set_barrier` does."""
    return _edited(updates, version, lambda old: _marked(old, version, deadend=_reason(reason)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRollout:
    """A rollout to begin.

    Attributes:
        start_s: when, in seconds since the epoch.
        duration_minutes: until all nodes are offered the release.
        start_share: of the nodes that are offered it from the start, 0.0 to 1.0.
    """

    start_s: int
    duration_minutes: int
    start_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what the update graph would not understand."""
        if self.duration_minutes <= 0:
            raise InputError(f"{self.duration_minutes} minutes are no duration", subject="--duration", hint="give one minute or more")
        if self.start_s + self.duration_minutes * _SECONDS_A_MINUTE > LAST_SECOND:
            raise InputError("the rollout would end behind the year 9999", subject="--duration", hint="it is in minutes; two days are 2880")
        if not 0 <= self.start_share < 1:
            raise InputError(f"{self.start_share:g} is no share to begin with", subject="--start-percentage", hint="0.0 or more, below 1.0")


def set_rollout(updates: Updates, version: str, rollout: NewRollout, *, replace: bool, now_s: int) -> Updates:
    """``updates`` with a rollout of ``version``, pruned; what else is said of the release stays.

    Raises:
        InputError: the version is none of this stream, or has a rollout and ``replace`` is not said.
    """
    fresh = Rollout(
        duration_minutes=rollout.duration_minutes,
        start_epoch=rollout.start_s,
        start_percentage=NumberLiteral(repr(float(rollout.start_share))),
    )

    def with_rollout(old: UpdateMetadata) -> UpdateMetadata:
        if given(old.rollout) is not None and not replace:
            raise InputError("this release has a rollout already", subject=version, hint="replace it with --replace")
        return old.with_fields(rollout=fresh)

    return _edited(prune(updates, now_s=now_s), version, with_rollout)


def finish(updates: Updates, version: str, *, now_s: int) -> Updates:
    """``updates`` with the rollout of ``version`` completed now, pruned.

    Raises:
        NotFoundError: the version has no rollout.
    """
    found = next((release for release in updates.releases if release.version == version), None)
    if found is None or given(_metadata(found).rollout) is None:
        raise NotFoundError("this release has no rollout", subject=version, hint="penstock streams updates show FILE lists them")
    changed = [
        release.with_fields(metadata=_metadata(release).with_fields(rollout=_completed())) if release is found else release
        for release in updates.releases
    ]
    return prune(updates.with_fields(releases=changed), now_s=now_s)


def prune(updates: Updates, *, now_s: int) -> Updates:
    """``updates`` by the three rules above; pruning twice is pruning once.

    Raises:
        InputError: the numbers of a rollout are none.
    """
    ended = [_ended(release, now_s) for release in updates.releases]
    completed = [index for index, release in enumerate(ended) if _is_completed(release)]
    stale = set(completed[:-1])
    kept = [_without_rollout(release) if index in stale else release for index, release in enumerate(ended)]
    return updates.with_fields(releases=[release for release in kept if _says_something(release)])


def touched(before: Updates, after: Updates, *, last_modified: str) -> Updates:
    """``after`` with the time of the change, or ``before`` where nothing changed."""
    if list(before.releases) == list(after.releases):
        return before
    metadata = given(after.metadata) or UpdatesMetadata()
    return after.with_fields(metadata=metadata.with_fields(last_modified=last_modified))


def _edited(updates: Updates, version: str, edit: Callable[[UpdateMetadata], UpdateMetadata]) -> Updates:
    """``updates`` with one release changed; a new one goes where its version belongs."""
    wanted = _of_stream(version, updates.stream)
    releases = list(updates.releases)
    for index, release in enumerate(releases):
        if release.version == version:
            releases[index] = release.with_fields(metadata=edit(_metadata(release)))
            return updates.with_fields(releases=releases)
    fresh = Update(version=version, metadata=edit(UpdateMetadata()))
    releases.insert(_place(releases, wanted), fresh)
    return updates.with_fields(releases=releases)


def _place(releases: Sequence[Update], wanted: FcosVersion) -> int:
    """Behind the last release that is older; what is no version keeps its place."""
    place = 0
    for index, release in enumerate(releases):
        try:
            older = FcosVersion(release.version) < wanted
        except InputError:
            continue
        if older:
            place = index + 1
    return place


def _of_stream(version: str, stream: str) -> FcosVersion:
    """The version, of this very stream where the stream is a known one.

    Raises:
        InputError: it is another one's, or none.
    """
    parsed = FcosVersion(version)
    if stream in FCOS_STREAMS.values() and parsed.stream != stream:
        told = f"is of the stream {parsed.stream}" if parsed.stream else "is of no known stream"
        raise InputError(f"the version {told}, the file is of {stream}", subject=version, hint="check both")
    return parsed


def _marked(old: UpdateMetadata, version: str, *, barrier: Reason | None = None, deadend: Reason | None = None) -> UpdateMetadata:
    """The metadata with one of the two marks; a release has not both."""
    if barrier is not None:
        if given(old.deadend) is not None:
            raise InputError("this release is a dead end; it cannot be a barrier too", subject=version, hint=_TAKE_OUT)
        return old.with_fields(barrier=barrier)
    if given(old.barrier) is not None:
        raise InputError("this release is a barrier; it cannot be a dead end too", subject=version, hint=_TAKE_OUT)
    return old.with_fields(deadend=deadend)


_TAKE_OUT = "nodes count on what was published; if that was wrong, take it out of the file by hand first"


def _reason(text: str) -> Reason:
    if not text.startswith(("https://", "http://")) or not text.isprintable() or " " in text:
        raise InputError(f"{text!r} is no address of a page", subject="--reason", hint="give the URL of the page that tells why")
    return Reason(reason=text)


def _metadata(release: Update) -> UpdateMetadata:
    return given(release.metadata) or UpdateMetadata()


def _completed() -> Rollout:
    return Rollout(start_percentage=NumberLiteral("1.0"))


def _ended(release: Update, now_s: int) -> Update:
    """The release, its rollout completed where its time is over."""
    rollout = given(_metadata(release).rollout)
    if rollout is None or _number(rollout, "duration_minutes") <= 0:
        return release
    ends_s = _number(rollout, "start_epoch") + _SECONDS_A_MINUTE * _number(rollout, "duration_minutes")
    return release.with_fields(metadata=_metadata(release).with_fields(rollout=_completed())) if ends_s < now_s else release


def _is_completed(release: Update) -> bool:
    """Whether the rollout is ``{"start_percentage": 1.0}``, however spelled; one with more to say is somebody's own."""
    rollout = given(_metadata(release).rollout)
    return rollout is not None and rollout == Rollout(start_percentage=1.0)


def _without_rollout(release: Update) -> Update:
    old = _metadata(release)
    fields = {name: getattr(old, name) for name in ("barrier", "deadend", "extra")}
    return release.with_fields(metadata=UpdateMetadata(**fields))


def _says_something(release: Update) -> bool:
    metadata = _metadata(release)
    known = (metadata.barrier, metadata.deadend, metadata.rollout)
    return any(given(part) is not None for part in known) or _has_unknown_keys(release) or _has_unknown_keys(metadata)


def _has_unknown_keys(record: Record) -> bool:
    return bool(record.extra)


def _number(rollout: Rollout, field: str) -> Fraction:
    """A number of a rollout; 0 where it is not there.

    Raises:
        InputError: it is something else.
    """
    value = given(getattr(rollout, field))
    if value is None:
        return Fraction(0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError("this is no number", subject=f"rollout: {field}")
    return Fraction(value)
