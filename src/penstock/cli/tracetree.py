"""A trace drawn as two trees, one line for each artifact.

::

    file sha256:3f0a…  coreos-x86_64.iso  size 1.1 GiB
    came from
    ├─ layer 8d0e54b1c2a9  size 1.1 GiB  [extracted /coreos/coreos-x86_64.iso]
    │  └─ image 77aa00112233  …  [layer 2 of 3]
    └─ release ab12cd34ef56  4.20.1  [extracted /coreos/coreos-x86_64.iso from machine-os-images]
       └─ image 77aa00112233  …  [component machine-os-images] (see above)
    went to
    └─ nothing that was recorded
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from penstock.cli.text import format_size, printable
from penstock.lineage.trace import Branch, Mark, Trace
from penstock.model.lineage import Artifact, Fact

_NAMES_SHOWN = 2
_FACTS_SHOWN = 4
_VALUE_LENGTH = 48


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The strokes of the tree, each three columns wide, and the dots for what is left out."""

    fork: str
    last: str
    line: str
    blank: str
    dots: str


UNICODE = Glyphs("├─ ", "└─ ", "│  ", "   ", "…")
ASCII = Glyphs("|- ", "`- ", "|  ", "   ", "...")


def glyphs_for(encoding: str | None) -> Glyphs:
    """The strokes that a stdout of this encoding can show."""
    try:
        "├└│─…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def render_trees(traces: Sequence[Trace], glyphs: Glyphs) -> str:
    """All traces, with an empty line between two."""
    return "\n".join("".join(f"{line}\n" for line in _trace(told, glyphs)) for told in traces)


def _trace(told: Trace, glyphs: Glyphs) -> Iterator[str]:
    artifact = told.artifact
    title = f"{artifact.kind} {artifact.digest or printable(artifact.key)}"
    yield "  ".join([title, *_names(artifact, len(artifact.names)), *_facts(artifact.facts, len(artifact.facts), glyphs)])
    for heading, branches in (("came from", told.came_from), ("went to", told.went_to)):
        if branches is not None:
            yield heading
            yield from _Tree(artifact, glyphs).lines(branches, "") if branches else [f"{glyphs.last}nothing that was recorded"]


class _Tree:
    """The lines of one tree; remembers what it has drawn."""

    def __init__(self, start: Artifact, glyphs: Glyphs) -> None:
        self._start = start.id
        self._glyphs = glyphs
        self._drawn: set[tuple[str, str]] = set()

    def lines(self, branches: Sequence[Branch], indent: str) -> Iterator[str]:
        for number, branch in enumerate(branches, start=1):
            is_last = number == len(branches)
            yield f"{indent}{self._glyphs.last if is_last else self._glyphs.fork}{self._line(branch)}"
            if branch.mark in (Mark.FULL, Mark.CUT):
                self._drawn.add(branch.artifact.id)
            yield from self.lines(branch.branches, indent + (self._glyphs.blank if is_last else self._glyphs.line))

    def _line(self, branch: Branch) -> str:
        artifact = branch.artifact
        title = f"{artifact.kind} {artifact.digest.short if artifact.digest else printable(artifact.key)}"
        facts = _facts(artifact.facts, _FACTS_SHOWN, self._glyphs) if branch.mark in (Mark.FULL, Mark.CUT) else []
        why = f"[{printable(', '.join(branch.whys))}]"
        return "  ".join([title, *_names(artifact, _NAMES_SHOWN), *facts, why]) + self._remark(branch)

    def _remark(self, branch: Branch) -> str:
        match branch.mark:
            case Mark.FULL:
                return ""
            case Mark.REPEATED:
                return " (see above)" if branch.artifact.id in self._drawn else " (see below)"
            case Mark.CYCLE:
                return " (the start again)" if branch.artifact.id == self._start else " (a circle: see above)"
            case Mark.CUT:
                return f" {self._glyphs.dots} (more with a greater --depth)"


def _names(artifact: Artifact, limit: int) -> list[str]:
    """Short ones first; a pullspec by digest last, without the digest, which stands in the same line, and only where no tag is known."""
    pinned = f"@{artifact.digest}"
    plain = {name.removesuffix(pinned): name.endswith(pinned) for name in artifact.names}
    plain = {name: by_digest for name, by_digest in plain.items() if not (by_digest and any(f"{name}:" in other for other in plain))}
    names = [printable(name) for name in sorted(plain, key=lambda name: (plain[name], len(name), name))]
    left = len(names) - limit
    more = [f"(+{left} name{'s' if left > 1 else ''})"] if left > 0 else []
    return names[:limit] + more


def _facts(facts: Mapping[str, Fact], limit: int, glyphs: Glyphs) -> list[str]:
    return [_fact(name, value, glyphs) for name, value in list(facts.items())[:limit] if value is not None]


def _fact(name: str, value: Fact, glyphs: Glyphs) -> str:
    if name.endswith("size_bytes") and isinstance(value, int):
        return printable(f"{name.removesuffix('_bytes')} {format_size(value)}")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return printable(f"{name} {text if len(text) <= _VALUE_LENGTH else text[:_VALUE_LENGTH] + glyphs.dots}")
