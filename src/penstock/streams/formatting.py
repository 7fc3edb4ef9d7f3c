"""One canonical form for stream documents, so that a diff shows what changed and nothing else.

Canonical is what the upstream library would write: its key order, sorted maps, its escapes; then unknown keys as found.  The indentation
and the last newline are the file's own, because the two generators disagree about them.
"""

import difflib
from dataclasses import dataclass

from penstock.formats.stream import parse_stream_document, write_stream_document


@dataclass(frozen=True, slots=True)
class FormatPlan:
    """What formatting one file comes to.

    Attributes:
        subject: what the file is called.
        before: its bytes.
        after: its canonical bytes.
    """

    subject: str
    before: bytes
    after: bytes

    @property
    def changes(self) -> bool:
        """Whether the file is not in canonical form."""
        return self.before != self.after

    def diff(self, *, max_lines: int) -> str:
        """A unified diff from the file to its canonical form, cut after ``max_lines`` lines."""
        lines = list(
            difflib.unified_diff(_lines(self.before), _lines(self.after), self.subject, f"{self.subject} (canonical)", n=1, lineterm="")
        )
        left_out = len(lines) - max_lines
        return "\n".join(lines[:max_lines] + ([f"… {left_out} more lines"] if left_out > 0 else []))


def plan_format(content: bytes, *, subject: str) -> FormatPlan:
    """The canonical form of a stream document or a marketplace file; formatting twice is formatting once.

    Raises:
        InputError: it is neither; the message holds the line and the path.
    """
    document = parse_stream_document(content, subject=subject)
    return FormatPlan(subject, content, write_stream_document(document, like=content))


def _lines(content: bytes) -> list[str]:
    text = content.decode(errors="backslashreplace")
    lines = text.split("\n")
    return lines[:-1] if text.endswith("\n") else [*lines[:-1], lines[-1] + "  (no newline at the end)"]
