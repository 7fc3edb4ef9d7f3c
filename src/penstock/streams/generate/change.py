"""A file that shall be written, and how that differs from what stands there."""

import difflib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file and its new content.

    Attributes:
        path: the file.
        before: what stands there, or None where there is no file.
        after: what shall stand there.
    """

    path: str
    before: bytes | None
    after: bytes

    @property
    def changes(self) -> bool:
        """Whether the content is another one."""
        return self.before != self.after

    def diff(self) -> str:
        """A unified diff; ``""`` where nothing changes."""
        return "".join(
            f"{line}\n"
            for line in difflib.unified_diff(
                _lines(self.before or b""),
                _lines(self.after),
                "/dev/null" if self.before is None else self.path,
                self.path,
                lineterm="",
            )
        )


def _lines(content: bytes) -> list[str]:
    """The lines; not ``splitlines``, which also cuts at characters that JSON keeps inside a text."""
    lines = content.decode(errors="backslashreplace").split("\n")
    return lines[:-1] if not lines[-1] else lines
