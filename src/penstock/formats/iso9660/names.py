"""Names: the plain ones of ISO 9660, and how a path that somebody asks for meets them.

Plain names are written as genisoimage and xorriso write them at level 1: capitals, digits and ``_``, eight characters, a dot and
three more (``coreos/igninfo.json`` is ``COREOS/IGNINFO.JSO``), with digits at the end of the stem where two would be the same.
"""

import re
from collections.abc import Iterable

from penstock.model.errors import InputError

_STEM, _EXTENSION = 8, 3
_MOST_ALIKE = 1_000_000
_NOT_PLAIN = re.compile(r"[^A-Z0-9_]")


def plain_name(identifier: bytes, encoding: str = "ascii") -> str:
    """The name in an identifier: without ``;1`` and without the dot of an empty extension."""
    name = identifier.decode(encoding, "backslashreplace").partition(";")[0]
    return name.removesuffix(".") or name


def shortened(name: str, *, is_directory: bool) -> str:
    """The plain name of level 1 for a name, where nothing else has it."""
    stem, extension = _split(name, is_directory=is_directory)
    return f"{stem}.{extension}" if extension else stem


def is_plain_form(plain: str, name: str, *, is_directory: bool) -> bool:
    """Whether ``plain`` is how a writer without long names would have called ``name``: in capitals, whole or shortened."""
    return plain in (name.upper(), shortened(name, is_directory=is_directory))


def unique_plain_names(names: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """The plain name for each name of one folder.

    Names that fit come first and keep theirs, so that a longer one never takes it; the others follow in order of name.

    Args:
        names: each with whether it is a folder's.

    Raises:
        InputError: too many names of the folder are alike.
    """

    def lossy(item: tuple[str, bool]) -> tuple[bool, str]:
        name, is_directory = item
        return name.upper() != shortened(name, is_directory=is_directory), name

    taken: set[str] = set()
    tried: dict[str, int] = {}
    out: dict[str, str] = {}
    for name, is_directory in sorted(names, key=lossy):
        plain = shortened(name, is_directory=is_directory)
        if plain in taken:
            plain = _numbered(name, taken, tried, is_directory=is_directory)
        taken.add(plain)
        out[name] = plain
    return out


def checked_parts(path: str) -> list[str]:
    """The names that make a path in a tree to be written.

    Raises:
        InputError: the path is absolute or empty, or has names that are none.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise InputError(f"{path!r} is not a path within an image", hint="write it without a leading slash: images/pxeboot/vmlinuz")
    return parts


def _split(name: str, *, is_directory: bool) -> tuple[str, str]:
    upper = name.upper()
    stem, dot, extension = ("", "", "") if is_directory else upper.rpartition(".")
    if not dot or not stem:
        stem, extension = upper, ""
    return _NOT_PLAIN.sub("_", stem)[:_STEM], _NOT_PLAIN.sub("_", extension)[:_EXTENSION]


def _numbered(name: str, taken: set[str], tried: dict[str, int], *, is_directory: bool) -> str:
    """The plain name with the first free number at the end of its stem; ``tried`` keeps where the search stands for each plain name."""
    stem, extension = _split(name, is_directory=is_directory)
    key = f"{stem}.{extension}"
    for number in range(tried.get(key, 0), _MOST_ALIKE):
        digits = f"{number:02}"
        candidate = stem[: _STEM - len(digits)] + digits + (f".{extension}" if extension else "")
        if candidate not in taken:
            tried[key] = number + 1
            return candidate
    raise InputError(f"more than {_MOST_ALIKE} names of one folder are alike in their first letters", subject=name)
