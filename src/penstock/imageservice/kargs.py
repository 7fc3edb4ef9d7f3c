"""Kernel arguments: changed as coreos-installer does, which writes whole areas, or added to as the image service of OpenShift does.

A word is what the kernel takes for one: blanks part words, except between double quotes.  Where coreos-installer replaces text, and so
misses the second of two equal neighbours, every equal word is meant here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from penstock.formats.coreos_iso.kargs import Kargs, KargsArea
from penstock.imageservice.overlay import Patch
from penstock.model.errors import InputError

_WORD = re.compile(r'(?P<word>(?:[^\s"]|"[^"]*(?:"|$))+)(?P<blanks>\s*)')
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_REPLACEMENT = re.compile(r"(?P<key>[^=]+)=(?P<old>[^=]+)=(?P<new>[^=]+)")
_S390X = "kargs cannot be modified in s390x architecture ISOs"


@dataclass(frozen=True, slots=True)
class KargsEdit:
    """What is to be done, in this order; an argument of several words is found and added as such.

    Attributes:
        delete: arguments that go, wherever they stand.
        delete_if_present: the same, and nobody minds where there is none.
        append: arguments that are added at the end.
        append_if_missing: the same, unless they are there.
        replace: ``KEY=OLD=NEW``: ``KEY=OLD`` becomes ``KEY=NEW``, wherever it stands.
    """

    delete: Sequence[str] = ()
    delete_if_present: Sequence[str] = ()
    append: Sequence[str] = ()
    append_if_missing: Sequence[str] = ()
    replace: Sequence[str] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return any((self.delete, self.delete_if_present, self.append, self.append_if_missing, self.replace))


@dataclass(frozen=True, slots=True)
class EditedKargs:
    """What came of an edit.

    Attributes:
        text: the arguments.
        without_effect: what was to be deleted or replaced and is not there; no error for coreos-installer, but worth a word.
    """

    text: str
    without_effect: tuple[str, ...] = ()


def edit_kargs(text: str, edit: KargsEdit) -> EditedKargs:
    """``text`` after the edit.

    Raises:
        InputError: an argument is empty or is no text on one line, or a replacement is not ``KEY=OLD=NEW``.
    """
    words = _Words(text)
    unmatched = [argument for argument in map(_checked, edit.delete) if not words.replace(argument, "")]
    for argument in map(_checked, edit.delete_if_present):
        words.replace(argument, "")
    for argument in map(_checked, edit.append):
        words.append(argument)
    for argument in map(_checked, edit.append_if_missing):
        if not words.find(argument):
            words.append(argument)
    for argument in map(_checked, edit.replace):
        found = _REPLACEMENT.fullmatch(argument)
        if found is None:
            raise InputError(f"{argument!r} is not of the form KEY=OLD=NEW", hint="a value with = in it: delete the one, append the other")
        if not words.replace(f"{found['key']}={found['old']}", f"{found['key']}={found['new']}"):
            unmatched.append(argument)
    return EditedKargs(words.text(), tuple(unmatched))


def write_kargs(kargs: Kargs, text: str) -> tuple[Patch, ...]:
    """The patches that make ``text`` the arguments in every area.

    Raises:
        InputError: an area is too small, or the ISO does not say where its arguments start.
    """
    text = text.strip()
    _must_be_text(text)
    return tuple(_rewritten(area, text) for area in kargs.areas)


def reset_kargs(kargs: Kargs) -> tuple[Patch, ...]:
    """The patches that make the arguments what they were when the ISO was published.

    Raises:
        InputError: the ISO does not say what they were.
    """
    if kargs.default is None:
        raise InputError("this ISO does not say what its kernel arguments were when it was published", hint="take the published ISO anew")
    return write_kargs(kargs, kargs.default)


def append_kargs(kargs: Kargs, arguments: Iterable[str]) -> tuple[Patch, ...]:
    """The patches that put ``arguments`` behind those that stand there: a blank, the arguments joined by one blank, a line feed.

    These are the bytes that OpenShift's image service serves.  Without arguments nothing changes.

    Raises:
        InputError: an argument is empty or is no text on one line, an area is too small, or the ISO is one for s390x, where the
            service does not change arguments.
    """
    words = " ".join(map(_checked, arguments))
    if not words:
        return ()
    return tuple(_appended(area, f" {words}".encode() + area.end) for area in kargs.areas)


class KargsRefused(InputError):
    """Kernel arguments for s390x, which OpenShift's image service does not change; the message has its words."""


def refuse_s390x(kargs: Kargs | None) -> None:
    """Refuse to change arguments as OpenShift's image service refuses it, with its words.

    Raises:
        KargsRefused: the areas are those of s390x, whose ISO is no text of a boot loader: padded with NUL; or there are none.
    """
    if kargs is None or any(area.pad == b"\0" for area in kargs.areas):
        raise KargsRefused(_S390X)


class _Words:
    """Words and the blanks behind each."""

    def __init__(self, text: str) -> None:
        self._words = [(found["word"], found["blanks"]) for found in _WORD.finditer(text.strip())]

    def find(self, argument: str) -> list[int]:
        """Where the words of ``argument`` stand, one behind another, without overlap."""
        wanted = [found["word"] for found in _WORD.finditer(argument)]
        here = [word for word, _ in self._words]
        places: list[int] = []
        index = 0
        while index <= len(here) - len(wanted):
            if here[index : index + len(wanted)] == wanted:
                places.append(index)
                index += len(wanted)
            else:
                index += 1
        return places

    def replace(self, old: str, new: str) -> bool:
        """Put ``new`` in place of every ``old``; whether there was one."""
        places = self.find(old)
        count = len(_WORD.findall(old))
        for index in reversed(places):
            blanks = self._words[index + count - 1][1]
            self._words[index : index + count] = [(new, blanks)] if new else []
        return bool(places)

    def append(self, argument: str) -> None:
        if self._words:
            word, blanks = self._words[-1]
            self._words[-1] = (word, blanks or " ")
        self._words += [(found["word"], found["blanks"]) for found in _WORD.finditer(argument)]

    def text(self) -> str:
        return "".join(word + blanks for word, blanks in self._words).strip()


def _checked(argument: str) -> str:
    argument = argument.strip()
    if not argument:
        raise InputError("a kernel argument is empty", hint="give one like console=ttyS0")
    _must_be_text(argument)
    return argument


def _must_be_text(argument: str) -> None:
    if _NO_TEXT.search(argument):
        raise InputError(
            f"the kernel argument {argument!r} holds a control character or is not UTF-8",
            hint="it would end or spoil the line in the boot loader's config",
        )


def _rewritten(area: KargsArea, text: str) -> Patch:
    if not area.starts_known:
        raise InputError("nothing in this ISO says where its kernel arguments start", hint="arguments can be added to it, and nothing else")
    _must_fit(len(text.encode()) + len(area.end), area.length_bytes, area)
    return Patch(area.offset_bytes, area.filled(text), _label(area))


def _appended(area: KargsArea, content: bytes) -> Patch:
    start = area.free_from()
    _must_fit(len(content), area.length_bytes - start, area)
    return Patch(area.offset_bytes + start, content, _label(area))


def _must_fit(needed_bytes: int, free_bytes: int, area: KargsArea) -> None:
    if needed_bytes > free_bytes:
        raise InputError(
            f"the kernel arguments need {needed_bytes} bytes, and {area.called} has room for {free_bytes}",
            hint=f"leave out {needed_bytes - free_bytes} bytes of them",
        )


def _label(area: KargsArea) -> str:
    return f"the kernel arguments in {area.called}"
