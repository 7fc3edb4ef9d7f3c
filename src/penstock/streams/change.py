"""A file that shall be written, and how that differs from what stands there."""

import difflib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file and its new content.

    Attributes:
        path: the file, as people call it.
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

    def diff(self, *, after_name: str = "", context_lines: int = 3, max_lines: int | None = None) -> str:
        """A unified diff, each line with its newline; ``""`` where nothing changes.

        Args:
            after_name: what the new content is called, where that is not the file's own name.
            context_lines: how many lines that stay are shown around a change.
            max_lines: cut after so many; the last line then says how many are left out.
        """
        if not self.changes:
            return ""
        before_name = "/dev/null" if self.before is None else self.path
        lines = list(
            difflib.unified_diff(
                _lines(self.before or b""), _lines(self.after), before_name, after_name or self.path, n=context_lines, lineterm=""
            )
        )
        left_out = 0 if max_lines is None else len(lines) - max_lines
        shown = [*lines[:max_lines], f"… {left_out} more lines"] if left_out > 0 else lines
        return "".join(f"{line}\n" for line in shown)


def _lines(content: bytes) -> list[str]:
    """The lines; not ``splitlines``, which also cuts at characters that JSON keeps inside a text."""
    lines = content.decode(errors="backslashreplace").split("\n")
    last = lines.pop()
    return [*lines, f"{last}  (no newline at the end)"] if last else lines
