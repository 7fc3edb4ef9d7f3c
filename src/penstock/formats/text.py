"""The edge where bytes become text, and how an error names a place in it.

Every text document comes through :func:`decode_text`: its size is checked before anything is read from it, then its encoding.
A place is a line and a column, both counted from 1, the column in characters; inside a document it is also a path
in the notation that msgspec uses (``$.architectures.x86_64``).
"""

import json
import re
from dataclasses import dataclass

from penstock.model.errors import InputError

DEFAULT_LIMIT_BYTES = 16 * 1024 * 1024
"""The largest real document so far is a release payload's ``image-references``, 0.2 MiB; an OCI manifest may have 4 MiB."""

DEFAULT_MAX_DEPTH = 64
"""How deeply objects and lists may nest; a custom resource definition, the deepest of ours, reaches about 40."""

Path = tuple[str | int, ...]
"""The way to a value: keys of objects, indexes of lists."""

_BOM = b"\xef\xbb\xbf"
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN_KEY = 80
_SHOWN_STEPS = 20


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text.

    Attributes:
        line: counted from 1.
        column: counted from 1, in characters.
    """

    line: int
    column: int

    @classmethod
    def at(cls, text: str, offset: int) -> "Position":
        """The position of the character at ``offset``."""
        return cls(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))

    @classmethod
    def at_byte(cls, content: bytes, offset: int) -> "Position":
        """The position of the byte at ``offset``; everything before it is UTF-8."""
        line_start = content.rfind(b"\n", 0, offset) + 1
        return cls(content.count(b"\n", 0, offset) + 1, len(content[line_start:offset].decode(errors="replace")) + 1)

    def __str__(self) -> str:
        """``line 3, column 7``."""
        return f"line {self.line}, column {self.column}"


def show_path(path: Path) -> str:
    """The path as text: ``$.formats["4k.raw.gz"].disk``; odd keys are quoted, long keys and long paths are cut."""
    if len(path) <= _SHOWN_STEPS:
        return "$" + "".join(map(_show_step, path))
    half = _SHOWN_STEPS // 2
    return "$" + "".join(map(_show_step, path[:half])) + "…" + "".join(map(_show_step, path[-half:]))


def _show_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_KEY.fullmatch(step) and len(step) <= _SHOWN_KEY:
        return f".{step}"
    return f"[{show_key(step)}]"


def show_key(key: str) -> str:
    """A key in quotes, without control characters, cut where it is very long."""
    return json.dumps(key if len(key) <= _SHOWN_KEY else key[:_SHOWN_KEY] + "…", ensure_ascii=False)


class DocumentFault(InputError):
    """Something is wrong at one place of a document.

    Attributes:
        problem: what, without the place.
        position: where in the text, or None where that is not known.
        path: the way to the value, or nothing for the whole document.
    """

    def __init__(self, problem: str, *, subject: str = "", position: Position | None = None, path: Path = (), hint: str = "") -> None:
        where = [str(position)] if position else []
        if path:
            where.append(f"at {show_path(path)}")
        super().__init__(f"{', '.join(where)}: {problem}" if where else problem, subject=subject, hint=hint)
        self.problem = problem
        self.position = position
        self.path = path


def fault(problem: str, *, subject: str, position: Position | None = None, path: Path = (), hint: str = "") -> DocumentFault:
    """The error for ``problem`` at this place of the document ``subject``."""
    return DocumentFault(problem, subject=subject, position=position, path=path, hint=hint)


def decode_text(content: bytes, *, subject: str, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> str:
    """The text of a document's bytes.

    Raises:
        InputError: more than ``limit_bytes``, nothing but white space, a byte-order mark, or not UTF-8.
    """
    if len(content) > limit_bytes:
        raise InputError(
            f"the document has {len(content)} bytes, and no more than {limit_bytes} are read",
            subject=subject,
            hint="check that this is the right file",
        )
    if content.startswith(_BOM):
        # RFC 8259 section 8.1 lets a reader refuse it, and the Go readers downstream do.
        raise fault(
            "the document starts with a byte-order mark", subject=subject, position=Position(1, 1), hint="save it as UTF-8 without one"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        position = Position.at_byte(content, error.start)
        raise fault(
            f"byte 0x{content[error.start]:02x} is not UTF-8", subject=subject, position=position, hint="save it as UTF-8"
        ) from None
    if not text or text.isspace():
        raise InputError("the document is empty", subject=subject, hint="check that it was written whole")
    return text
