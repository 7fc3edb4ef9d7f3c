r"""Which entries of an image are wanted, and which of them a layer above hides; pure.

The meaning of ``--path`` is that of ``oc image extract`` (openshift/oc: ``pkg/cli/image/extract``): a source that ends in ``/`` is a
folder whose content is taken; otherwise its last element is a glob among the names of its parent, and a folder that matches is taken
whole, under its own name.  Globs are those of Go's ``path.Match``: ``*``, ``?``, ``[a-z]``, ``[^a-z]`` and ``\`` to quote; none of them
crosses a ``/``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from penstock.formats.oci.descriptor import Descriptor
from penstock.formats.oci.layer import Whiteout
from penstock.model.errors import InputError

CHECKSUM_SUFFIX = ".sha256"
"""A file of this suffix beside another holds its SHA-256, as in ``machine-os-images``."""
_SPECIAL = re.compile(r"[*?\[\\]")
_LAYER_SUFFIX = re.compile(r"(?s)(.+)\[([^\[\]]*)\]")
_NUMBER = r"-?[0-9]{1,9}"
_RANGE = re.compile(f"({_NUMBER})?:({_NUMBER})?")
_DIGEST_PREFIX = re.compile(r"~(?:sha256:)?([0-9a-f]{1,64})")


@dataclass(frozen=True, slots=True)
class Selection:
    """The entries that one ``--path`` wants.

    Attributes:
        base: the folder that is looked into, ``""`` for the root.
        pattern: a glob for one name inside ``base``, or None for its whole content.
        exact: the one path that is wanted, with everything below it; then ``pattern`` does not count.
        rename: what the exact path is called in the output, or None for its own name.
    """

    base: str
    pattern: str | None = None
    exact: str | None = None
    rename: str | None = None

    @classmethod
    def parse(cls, source: str) -> "Selection":
        """Read the source half of ``--path``.

        Raises:
            InputError: it holds ``..`` or a glob that cannot be read.
        """
        parts = [part for part in source.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise InputError("a path inside an image may not hold '..'", subject=source)
        if source.endswith(("/", "/.")) or not parts:
            return cls("/".join(parts))
        if _SPECIAL.search(parts[-1]) is None:
            return cls.of_path("/".join(parts))
        _glob_regex(parts[-1])
        return cls("/".join(parts[:-1]), parts[-1])

    @classmethod
    def of_path(cls, path: str, *, rename: str | None = None) -> "Selection":
        """The selection of one path inside the image; ``""`` is the root, or its content where that gets no name."""
        return cls(path.rpartition("/")[0], exact=path, rename=rename) if path or rename else cls("")

    def moved(self, top: str) -> "Selection":
        """The same wish at another place: ``top`` stands for the exact path, or for ``base``."""
        if self.exact is None:
            return replace(self, base=top)
        return Selection.of_path(top, rename=self.rename or self.exact.rpartition("/")[2])

    @property
    def top(self) -> str:
        """The path below which everything that is wanted stands: the exact path, else ``base``."""
        return self.base if self.exact is None else self.exact

    def output_path(self, path: str) -> str | None:
        """Where the entry at ``path`` goes, relative to the destination; None where it is not wanted."""
        if self.exact is not None:
            name = self.rename or self.exact.rpartition("/")[2]
            if path == self.exact:
                return name
            below = path.removeprefix(self.exact + "/") if self.exact else path
            return f"{name}/{below}" if below != path or not self.exact else None
        if self.base:
            if not path.startswith(self.base + "/"):
                return None
            path = path[len(self.base) + 1 :]
        if self.pattern is None:
            return path or None
        name = path.partition("/")[0]
        return path if name and _glob_regex(self.pattern).fullmatch(name) else None

    def image_path(self, output: str) -> str:
        """The path in the image under which the entry at ``output`` was asked for; what :meth:`output_path` undoes."""
        if self.exact is not None:
            return self.exact + output[len(self.rename or self.exact.rpartition("/")[2]) :]
        return f"{self.base}/{output}" if self.base else output

    def concerns(self, path: str) -> bool:
        """Whether an entry at ``path`` may be wanted, contain what is wanted, hide it, or hold its checksum."""
        top = self.top
        return not top or not path or path in (top, top + CHECKSUM_SUFFIX) or path.startswith(top + "/") or top.startswith(path + "/")


@dataclass(slots=True)
class Shadow:
    """What the layers that were read so far hide of those below.

    Attributes:
        hidden: paths that are deleted or replaced by something that is no folder; everything below them is hidden too.
        opaque: folders whose lower content is hidden.
        folders: folders that exist above; a lower file of the same path is hidden.
    """

    hidden: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)

    def hides(self, path: str, *, is_folder: bool) -> bool:
        """Whether a lower entry at ``path`` is not visible in the image."""
        if path in self.hidden or (not is_folder and path in self.folders):
            return True
        parent = path
        while parent:
            parent = parent.rpartition("/")[0]
            if parent in self.opaque or (parent and parent in self.hidden):
                return True
        return False

    def add_whiteout(self, whiteout: Whiteout) -> None:
        """Take note of a deletion."""
        (self.opaque if whiteout.opaque else self.hidden).add(whiteout.path)

    def add_entry(self, path: str, *, is_folder: bool) -> None:
        """Take note of an entry; its parents exist as folders by it."""
        (self.folders if is_folder else self.hidden).add(path)
        parent = path.rpartition("/")[0]
        while parent and parent not in self.folders:
            self.folders.add(parent)
            parent = parent.rpartition("/")[0]

    def merge(self, lower: "Shadow") -> None:
        """Add what the next layer down hides, after it was read."""
        self.hidden |= lower.hidden
        self.opaque |= lower.opaque
        self.folders |= lower.folders


@dataclass(frozen=True, slots=True)
class LayerFilter:
    """Some layers of an image: ``[n]``, ``[a:b]`` or ``[~digest prefix]`` behind its reference; the empty text takes all."""

    text: str = ""

    def choose(self, layers: Sequence[Descriptor], *, subject: str) -> list[tuple[int, Descriptor]]:
        """The layers with their positions, base layer first.

        Raises:
            InputError: the filter cannot be read, or takes none.
        """
        numbered = list(enumerate(layers))
        if not self.text:
            return numbered
        if found := _RANGE.fullmatch(self.text):
            low, high = (int(bound) if bound else None for bound in found.groups())
            chosen = numbered[low:high]
        elif found := _DIGEST_PREFIX.fullmatch(self.text):
            chosen = [(number, layer) for number, layer in numbered if layer.digest.hex.startswith(found[1])]
        elif re.fullmatch(_NUMBER, self.text):
            wanted = int(self.text)
            chosen = [numbered[wanted]] if -len(numbered) <= wanted < len(numbered) else []
        else:
            raise InputError(f"[{self.text}] is no layer filter", subject=subject, hint="write [n], [from:to] or [~digest prefix]")
        if not chosen:
            message = f"[{self.text}] takes none of the {len(numbered)} layers"
            raise InputError(message, subject=subject, hint="layers count from 0, the base")
        return chosen


def split_layer_filter(reference: str) -> tuple[str, LayerFilter]:
    """Take the layer filter off a reference: ``host/image:tag[-1]``."""
    found = _LAYER_SUFFIX.fullmatch(reference.strip())
    return (found[1], LayerFilter(found[2])) if found else (reference, LayerFilter())


@lru_cache(maxsize=256)
def _glob_regex(pattern: str) -> re.Pattern[str]:
    """Go's ``path.Match`` as a regular expression (Go standard library, package path)."""
    out: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "[":
            text, position = _character_class(pattern, position + 1)
        elif char in "*?":
            text, position = "[^/]" + ("*" if char == "*" else ""), position + 1
        else:
            literal, position = _literal(pattern, position)
            text = re.escape(literal)
        out.append(text)
    return re.compile("".join(out), re.DOTALL)


def _character_class(pattern: str, position: int) -> tuple[str, int]:
    """The class whose ``[`` stands before ``position``, as a regular expression; the position after it."""
    ranges: list[str] = []
    negated = pattern.startswith("^", position)
    position += negated
    while not (ranges and pattern.startswith("]", position)):
        low, position = _member(pattern, position)
        high = low
        if pattern.startswith("-", position):
            high, position = _member(pattern, position + 1)
        if low > high:
            raise InputError(f"the glob {pattern!r} has a range that runs backwards")
        ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    return f"[{'^' * negated}{''.join(ranges)}]", position + 1


def _member(pattern: str, position: int) -> tuple[str, int]:
    """One end of a range; ``-`` and ``]`` must be quoted."""
    if position >= len(pattern) or pattern[position] in "-]":
        raise InputError(f"the glob {pattern!r} has a class that cannot be read", hint="quote with a backslash: \\[ \\] \\-")
    return _literal(pattern, position)


def _literal(pattern: str, position: int) -> tuple[str, int]:
    """The character at ``position``, which a backslash may quote; the position after it."""
    if pattern[position] != "\\":
        return pattern[position], position + 1
    if position + 1 == len(pattern):
        raise InputError(f"the glob {pattern!r} ends in a backslash", hint="write \\\\ for a backslash")
    return pattern[position + 1], position + 2
