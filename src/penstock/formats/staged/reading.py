"""One document on its way to items, and everything that was found wrong with it."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from penstock.formats.codec import decode
from penstock.formats.everyfault import DocumentFaults, faults_of
from penstock.formats.text import DocumentFault, Path, Position, fault
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.record import Tree

T = TypeVar("T")

LocateIn = Callable[[str, Path], Position | None]
"""``locate_yaml`` or ``locate_json``."""

_HINT = 'text that looks like a number wants quotes: version: "9.4"'
_DATE_FORMS = ("%Y%m%d", "%Y-%m-%d")


class Reading:
    """Gathers faults; :meth:`end` raises them."""

    def __init__(self, content: bytes, *, subject: str, locate_in: LocateIn) -> None:
        """Begin with nothing found.

        Args:
            content: of the document, UTF-8.
            subject: what it is called.
            locate_in: finds the place of a path in the text.
        """
        self._text = content.decode()
        self._subject = subject
        self._locate_in = locate_in
        self._faults: list[DocumentFault] = []

    def whole(self, tree: Tree, form: type[T]) -> T:
        """The document as ``form``.

        Raises:
            DocumentFaults: it has another shape.
        """
        made = self.part(tree, form, ())
        self.end()
        assert made is not None  # end() has raised otherwise
        return made

    def part(self, tree: Tree, form: type[T], path: Path) -> T | None:
        """The value at ``path`` as ``form``; None where it has another shape, which is noted."""
        found = list(faults_of(tree, form, subject=self._subject, locate=self._locate, path=path))
        self._faults += found
        return None if found else decode(tree, form, subject=self._subject)

    def note(self, problem: str, path: Path) -> None:
        """Something is wrong with the value at ``path``; told once, however often it is found."""
        if not any((each.problem, each.path) == (problem, path) for each in self._faults):
            self._faults.append(fault(problem, subject=self._subject, position=self._locate(path), path=path))

    def end(self) -> None:
        """Nothing more is looked at.

        Raises:
            DocumentFaults: something was wrong.
        """
        if self._faults:
            raise DocumentFaults(self._faults, subject=self._subject, hint=_HINT)

    def day(self, value: str | int, path: Path) -> date | None:
        """A date, ``YYYYMMDD`` or ``YYYY-MM-DD``; None where it is none, which is noted."""
        for form in _DATE_FORMS:
            try:
                return datetime.strptime(str(value), form).date()  # noqa: DTZ007  # a day has no zone
            except ValueError:
                continue
        self.note(f"{value!r} is no date; write YYYYMMDD", path)
        return None

    def whole_number(self, value: str | int, path: Path) -> int | None:
        """A number, which may be written as text; None where it is none, which is noted."""
        text = str(value)
        if text.isascii() and text.isdecimal():
            return int(text)
        self.note(f"{value!r} is no whole number", path)
        return None

    def sha256(self, value: str | None, path: Path) -> Digest | None:
        """A digest of 64 hex digits; None where there is none, or it is wrong, which is noted."""
        if value is None:
            return None
        try:
            return Digest.from_sha256(value)
        except InputError as error:
            self.note(error.message, path)
            return None

    def _locate(self, path: Path) -> Position | None:
        return self._locate_in(self._text, path)
