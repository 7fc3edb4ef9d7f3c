"""Text that is safe to show and quick to read."""

import unicodedata
from typing import Final

_UNITS: Final = ("KiB", "MiB", "GiB", "TiB")


def printable(text: str) -> str:
    """``text`` on one line, with control and formatting characters written as escapes.

    Names come from images, registries and documents that others wrote; none of them may move the cursor, colour the terminal, or reverse
    the direction of the text.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def format_size(size_bytes: float) -> str:
    """A size for people, in binary units: ``17 B``, ``1.5 KiB``, ``1.0 GiB``."""
    if size_bytes < 1024:
        return f"{size_bytes:.0f} B"
    value = float(size_bytes)
    for unit in _UNITS:
        value /= 1024
        # 1023.95 would be shown as 1024.0.
        if value < 1023.95 or unit == _UNITS[-1]:
            return f"{value:.1f} {unit}"
    raise AssertionError("unreachable")
