"""Mirror rules from files on disk."""

from collections.abc import Sequence
from pathlib import Path

from penstock.formats.mirrors import parse_mirrors
from penstock.model.errors import InputError
from penstock.model.mirrors import MirrorRules


def read_mirror_files(paths: Sequence[Path]) -> MirrorRules:
    """The rules of all ``paths``, joined in this order; each may be of any form that :mod:`penstock.formats.mirrors` knows.

    Raises:
        InputError: a file cannot be read, or is wrong.
    """
    rules = MirrorRules()
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"the mirror file cannot be read: {error.strerror}", subject=str(path)) from error
        rules = rules.joined(parse_mirrors(content, subject=str(path)))
    return rules
