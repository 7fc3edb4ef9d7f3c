"""Checking a document: read it as what it is, then look at it with every rule for its kind."""

import bisect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from penstock.formats.bootimages import is_config_map, parse_boot_images
from penstock.formats.codec import decode
from penstock.formats.jsonscan import walk
from penstock.formats.jsontext import parse_json
from penstock.formats.stream import recognise
from penstock.formats.text import DEFAULT_MAX_DEPTH, DocumentFault, Path
from penstock.model.errors import InputError
from penstock.model.marketplace import MarketplaceFile
from penstock.model.record import Tree
from penstock.model.stream import Stream
from penstock.model.updates import Updates
from penstock.streams.lint.builds import lint_builds
from penstock.streams.lint.coverage import lint_holes, lint_losses, lint_marketplace_losses
from penstock.streams.lint.files import lint_files
from penstock.streams.lint.findings import Level, LintFinding, LintRule, found
from penstock.streams.lint.images import lint_images
from penstock.streams.lint.marketplace import lint_marketplaces
from penstock.streams.lint.structure import lint_structure
from penstock.streams.lint.updates import lint_update_losses, lint_updates
from penstock.streams.plan_booleans import marketplaces

Checked = Stream | MarketplaceFile | Updates


class CheckedKind(StrEnum):
    """What can be checked."""

    STREAM = "stream"
    MARKETPLACE = "marketplace"
    UPDATES = "updates"
    CONFIG_MAP = "configmap"


_ORDER: Final = (Level.ERROR, Level.WARNING, Level.INFO)


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """A finding with its line.

    Attributes:
        finding: what the lint says.
        line: of the value, or of the nearest object around one that is missing; None where the text has no lines of its own.
    """

    finding: LintFinding
    line: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What checking one document came to.

    Attributes:
        subject: what the document is called.
        kind: what it is.
        findings: the worst first, then in the order of the rules.
    """

    subject: str
    kind: CheckedKind
    findings: tuple[PlacedFinding, ...]

    def count(self, level: Level) -> int:
        """How many findings have this level."""
        return sum(placed.finding.level is level for placed in self.findings)

    def passes(self, *, strict: bool) -> bool:
        """Whether nothing is wrong; ``strict`` counts warnings as wrong."""
        return not self.count(Level.ERROR) and not (strict and self.count(Level.WARNING))


def check_document(
    content: bytes, *, subject: str, kind: CheckedKind | None = None, previous: bytes | None = None, previous_subject: str = ""
) -> Report:
    """Check a document.

    Args:
        content: its bytes.
        subject: what it is called.
        kind: what it must be; told by its keys where None is given.
        previous: an earlier document of the same kind, to find out what got lost.
        previous_subject: what that one is called.

    Raises:
        InputError: it is no JSON (or YAML, for a ConfigMap), or none of the kinds; or ``previous`` is no such document.  A document
            that is JSON and of the wrong shape is a finding.
    """
    if kind is CheckedKind.CONFIG_MAP or (kind is None and is_config_map(content)):
        return _check_config_map(content, subject, previous, previous_subject)
    tree = parse_json(content, subject=subject)
    kind = kind or CheckedKind(recognise(tree, subject=subject).value)
    try:
        document = _decode(tree, kind, subject)
    except DocumentFault as fault:
        return _report(subject, kind, [found(LintRule.SHAPE, fault.path, fault.problem)], content)
    findings = list(lint_document(document))
    if previous is not None:
        findings += _losses(document, kind, previous, previous_subject)
    return _report(subject, kind, findings, content)


def lint_document(document: Checked) -> Iterator[LintFinding]:
    """What the rules say about a document that could be read."""
    yield from lint_structure(document)
    if isinstance(document, Updates):
        yield from lint_updates(document)
    elif isinstance(document, Stream):
        yield from lint_builds(document)
        yield from lint_files(document)
        yield from lint_images(document)
        yield from lint_holes(document)
        place = ("rhel-coreos-extensions", "marketplace")
        yield from lint_marketplaces({arch: (entry, ("architectures", arch, *place)) for arch, entry in marketplaces(document)})
    else:
        yield from lint_marketplaces({arch: (entry, (arch,)) for arch, entry in document.items()})


def _decode(tree: Tree, kind: CheckedKind, subject: str) -> Checked:
    if kind is CheckedKind.STREAM:
        return decode(tree, Stream, subject=subject)
    if kind is CheckedKind.UPDATES:
        return decode(tree, Updates, subject=subject)
    return decode(tree, MarketplaceFile, subject=subject)


def _losses(document: Checked, kind: CheckedKind, previous: bytes, subject: str) -> Iterator[LintFinding]:
    _require_kind(previous, kind, subject)
    before = _decode(parse_json(previous, subject=subject), kind, subject)
    if isinstance(document, Stream) and isinstance(before, Stream):
        yield from lint_losses(document, before)
    elif isinstance(document, Updates) and isinstance(before, Updates):
        yield from lint_update_losses(document, before)
    elif isinstance(document, dict) and isinstance(before, dict):
        yield from lint_marketplace_losses(document, before)


def _require_kind(previous: bytes, kind: CheckedKind, subject: str) -> None:
    """Refuse to compare different things.

    Raises:
        InputError: the earlier document is of another kind.
    """
    if is_config_map(previous):
        found_kind = CheckedKind.CONFIG_MAP
    else:
        found_kind = CheckedKind(recognise(parse_json(previous, subject=subject), subject=subject).value)
    if found_kind is not kind:
        message = f"this is a document of the kind {found_kind}, and is to be compared with one of the kind {kind}"
        raise InputError(message, subject=subject, hint="compare with an earlier state of the same file")


def _check_config_map(content: bytes, subject: str, previous: bytes | None, previous_subject: str) -> Report:
    images = parse_boot_images(content, subject=subject)
    before = None
    if previous is not None:
        _require_kind(previous, CheckedKind.CONFIG_MAP, previous_subject)
        before = parse_boot_images(previous, subject=previous_subject)
    findings: list[LintFinding] = []
    named = dict(images.named or {})
    for name, stream in named.items():
        earlier = (before.named or {}).get(name) if before else None
        if before is not None and before.named is None and stream == images.default:
            earlier = before.default  # a ConfigMap of one stream, as releases before 4.22 have it
        findings += _below(("data", "streams", name), stream, earlier)
    for name in sorted(set((before.named if before else None) or {}) - set(named)):
        findings.append(
            found(LintRule.STREAM_LOST, ("data", "streams"), f"the previous document has the stream {name!r}, and this one has not")
        )
    if images.default is not None and images.default not in named.values():
        findings += _below(("data", "stream"), images.default, before.default if before else None)
        if named:
            findings.append(found(LintRule.DEFAULT_STREAM, ("data", "stream"), f"the default stream is none of {', '.join(sorted(named))}"))
    return _report(subject, CheckedKind.CONFIG_MAP, findings, None)


def _below(path: Path, stream: Stream, previous: Stream | None) -> Iterator[LintFinding]:
    findings: list[LintFinding] = [*lint_document(stream), *(lint_losses(stream, previous) if previous else ())]
    for finding in findings:
        yield found(finding.rule, (*path, *finding.path), finding.message, finding.level)


def _report(subject: str, kind: CheckedKind, findings: Iterable[LintFinding], content: bytes | None) -> Report:
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding.level))
    lines = _Lines(content.decode() if content is not None and ordered else "")
    return Report(subject, kind, tuple(PlacedFinding(finding, lines.of(finding.path)) for finding in ordered))


class _Lines:
    """The lines of a JSON text's values, found in one walk."""

    def __init__(self, text: str) -> None:
        self._offsets = dict(walk(text, DEFAULT_MAX_DEPTH)) if text else {}
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def of(self, path: Path) -> int | None:
        """The line of the value at ``path``; of the nearest one around it where there is no such value; None without a text."""
        for length in range(len(path), -1, -1):
            offset = self._offsets.get(path[:length])
            if offset is not None:
                return bisect.bisect_left(self._ends, offset) + 1
        return None
