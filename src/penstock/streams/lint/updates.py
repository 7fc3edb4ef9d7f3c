"""Rules about update metadata: releases in order, and rollouts that can happen."""

from typing import Final

from penstock.formats.text import Path
from penstock.model.record import given
from penstock.model.updates import Rollout, Updates
from penstock.model.versions import OsVersion
from penstock.streams.lint.builds import is_release, lint_moment, read_release
from penstock.streams.lint.findings import Findings, Level, LintRule, found

_STOPS: Final = ("barrier", "deadend")
_NUMBERS: Final = ("duration_minutes", "start_epoch", "start_percentage")


def lint_updates(document: Updates) -> Findings:
    """Look at every release."""
    about = given(document.metadata)
    yield from lint_moment(given(about.last_modified) if about else None, ("metadata", "last-modified"))
    before: OsVersion | None = None
    seen: set[str] = set()
    for index, release in enumerate(document.releases):
        path: Path = ("releases", index)
        version = read_release(release.version)
        if not is_release(release.version):
            yield found(LintRule.RELEASE_VERSION, (*path, "version"), f"{release.version!r} is no version of CoreOS")
        elif version is not None and before is not None and type(version) is type(before) and version < before:
            message = f"{version} stands behind {before}, and is older; the oldest comes first"
            yield found(LintRule.UPDATE_ORDER, (*path, "version"), message, Level.WARNING)
        if release.version in seen:
            yield found(LintRule.UPDATE_ORDER, (*path, "version"), f"{release.version} is there twice")
        seen.add(release.version)
        before = version or before
        metadata = given(release.metadata)
        for kind in _STOPS:
            stop = given(getattr(metadata, kind, None))
            if stop is not None and not stop.reason:
                yield found(LintRule.UPDATE_REASON, (*path, "metadata", kind, "reason"), f"the {kind} has no reason")
        rollout = given(metadata.rollout) if metadata else None
        if rollout is not None:
            yield from _rollout(rollout, (*path, "metadata", "rollout"))


def lint_update_losses(document: Updates, previous: Updates) -> Findings:
    """Tell which barriers and dead ends ``previous`` had and ``document`` has no more: nodes then pass where they must not."""
    for kind in _STOPS:
        there = {release.version for release in document.releases if _has(release.metadata, kind)}
        for release in previous.releases:
            if _has(release.metadata, kind) and release.version not in there:
                yield found(
                    LintRule.UPDATE_LOST, ("releases",), f"the previous document has the {kind} {release.version}, and this one has not"
                )


def _has(metadata: object, kind: str) -> bool:
    return given(getattr(metadata, kind, None)) is not None


def _rollout(rollout: Rollout, path: Path) -> Findings:
    for name in _NUMBERS:
        value = given(getattr(rollout, name))
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            yield found(LintRule.ROLLOUT, (*path, name), f"{value!r} is no number from 0 on")
        elif name == "start_percentage" and value > 1:
            yield found(LintRule.ROLLOUT, (*path, name), f"{value} is more than 1.0, which is all nodes")
