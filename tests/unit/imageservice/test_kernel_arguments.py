"""Kernel arguments: edited as coreos-installer does, added to as OpenShift's image service does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.coreos_iso.embed import ToldBy
from penstock.formats.coreos_iso.kargs import Kargs, KargsArea
from penstock.imageservice.kargs import EditedKargs, KargsEdit, append_kargs, edit_kargs, refuse_s390x, reset_kargs, write_kargs
from penstock.model.errors import InputError, VerificationError

BASE = "foo mitigations=auto,nosmt console=tty0 bar console=ttyS0,115200n8 baz"
WORDS = st.text("ab=,.", min_size=1, max_size=4)
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)


def kargs(text: str = "quiet", size: int = 40, default: str | None = "quiet", *, pad: bytes = b"#", end: bytes = b"\n") -> Kargs:
    areas = tuple(KargsArea(offset, (text.encode() + end).ljust(size, pad), f"file{offset}", pad, end) for offset in (1000, 2000))
    return Kargs(areas, default, ToldBy.DOCUMENT)


def edited(text: str, **edit: list[str]) -> str:
    return edit_kargs(text, KargsEdit(**edit)).text


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ("foo bar foobar", KargsEdit(delete=["foo"]), "bar foobar"),
        ("foo bar foobar", KargsEdit(delete=["bar"]), "foo foobar"),
        ("foo bar foobar", KargsEdit(delete=["foobar"]), "foo bar"),
        ("foo bar foobar", KargsEdit(delete=["foo bar"]), "foobar"),
        ("foo bar foobar", KargsEdit(delete=["bar", "foo"]), "foobar"),
        ("foo=val bar baz=val", KargsEdit(delete=["   foo=val"]), "bar baz=val"),
        (
            BASE,
            KargsEdit(
                delete=["mitigations=auto,nosmt", "console=ttyS0,115200n8"],
                append=["console=ttyS1,115200n8  "],
                append_if_missing=["bar", "console=ttyS1,115200n8", "boo"],
            ),
            "foo console=tty0 bar baz console=ttyS1,115200n8 boo",
        ),
        (
            BASE,
            KargsEdit(append=["console=ttyS1"], replace=["mitigations=auto,nosmt=auto"], delete=["console=ttyS0,115200n8"]),
            "foo mitigations=auto console=tty0 bar baz console=ttyS1",
        ),
        ("rw  quiet", KargsEdit(append=["a", 'b="x y"']), 'rw  quiet a b="x y"'),
        ("", KargsEdit(append=["a"]), "a"),
        ("a a", KargsEdit(append=["a"]), "a a a"),
    ],
)
def test_edits_have_the_outcome_of_coreos_installer(text: str, edit: KargsEdit, expected: str) -> None:
    assert edit_kargs(text, edit).text == expected


def test_every_one_of_equal_neighbours_is_meant() -> None:
    """coreos-installer leaves the second, because it replaces text with the blanks around it."""
    assert edited("a a a b", delete=["a"]) == "b"
    assert edited("k=1 k=1", replace=["k=1=2"]) == "k=2 k=2"


def test_blanks_between_quotes_part_no_words() -> None:
    assert edited('dyndbg="file a.c +p" a.c', delete=["a.c"]) == 'dyndbg="file a.c +p"'
    assert edited('x="a b" y', delete=['x="a b"']) == "y"


def test_what_has_no_effect_is_told_unless_nobody_minds() -> None:
    edit = KargsEdit(delete=["x"], delete_if_present=["y"], replace=["k=1=2"])
    assert edit_kargs("a", edit) == EditedKargs("a", ("x", "k=1=2"))


@pytest.mark.parametrize("wrong", ["a=b", "a=b=c=d", "=b=c", "a==c"])
def test_a_replacement_is_key_old_new(wrong: str) -> None:
    with pytest.raises(InputError, match="KEY=OLD=NEW"):
        edited("a", replace=[wrong])


@pytest.mark.parametrize("wrong", ["", "  ", "a\nb", "a\0", "a\tb", "\udcff"])
@pytest.mark.parametrize("operation", ["append", "append_if_missing", "delete", "delete_if_present", "replace"])
def test_an_argument_that_would_spoil_the_line_is_refused(operation: str, wrong: str) -> None:
    with pytest.raises(InputError):
        edited("a", **{operation: [wrong]})
    with pytest.raises(InputError):
        append_kargs(kargs(), [wrong])


@given(TEXTS, WORDS)
def test_what_was_appended_and_deleted_leaves_what_was_there(text: str, word: str) -> None:
    others = edited(text, delete_if_present=[word])
    assert edited(edited(others, append=[word]), delete=[word]) == others


@given(TEXTS, st.lists(WORDS, max_size=3))
def test_appending_if_missing_twice_is_appending_once(text: str, words: list[str]) -> None:
    once = edited(text, append_if_missing=words)
    assert edited(once, append_if_missing=words) == once


@given(TEXTS, WORDS)
def test_nothing_else_goes_with_what_is_deleted(text: str, word: str) -> None:
    assert edited(text, delete=[word]).split() == [other for other in text.split() if other != word]


def test_whole_areas_are_written() -> None:
    patches = write_kargs(kargs(), " a b ")
    assert [(patch.offset, patch.content) for patch in patches] == [(offset, b"a b\n".ljust(40, b"#")) for offset in (1000, 2000)]


def test_an_s390x_area_is_padded_with_nul() -> None:
    assert write_kargs(kargs(pad=b"\0", end=b"\0"), "a")[0].content == b"a".ljust(40, b"\0")


def test_the_end_must_fit_too() -> None:
    assert write_kargs(kargs(), "x" * 39)[0].content == b"x" * 39 + b"\n"
    with pytest.raises(InputError, match="need 41 bytes, and file1000 has room for 40") as caught:
        write_kargs(kargs(), "x" * 40)
    assert caught.value.hint == "leave out 1 bytes of them"


def test_lengths_are_counted_in_bytes() -> None:
    with pytest.raises(InputError, match="need 41 bytes"):
        write_kargs(kargs(), "ü" * 20)


def test_reset_brings_back_the_default() -> None:
    assert reset_kargs(kargs("other", default="quiet rw"))[1].content == b"quiet rw\n".ljust(40, b"#")


def test_without_a_default_there_is_no_reset() -> None:
    with pytest.raises(InputError, match="does not say what"):
        reset_kargs(kargs(default=None))


def test_added_arguments_are_the_bytes_of_the_image_service() -> None:
    patches = append_kargs(kargs(), ["p1", 'p2="x y"'])
    assert [(patch.offset, patch.content) for patch in patches] == [(1005, b' p1 p2="x y"\n'), (2005, b' p1 p2="x y"\n')]


def test_no_arguments_are_no_patch() -> None:
    assert append_kargs(kargs(), []) == ()


@given(TEXTS, st.lists(WORDS, min_size=1, max_size=4))
def test_what_was_added_is_read_back_behind_what_was_there(text: str, words: list[str]) -> None:
    before = kargs(text, 120)
    area = before.areas[0]
    patch = append_kargs(before, words)[0]
    start = patch.offset - area.offset_bytes
    content = area.content[:start] + patch.content + area.content[start + len(patch.content) :]
    assert KargsArea(0, content).text() == " ".join([*text.split(), *words])


def test_added_arguments_must_fit_behind_those_that_are_there() -> None:
    assert append_kargs(kargs(), ["x" * 33])[0].content == b" " + b"x" * 33 + b"\n"
    with pytest.raises(InputError, match="need 36 bytes, and file1000 has room for 35"):
        append_kargs(kargs(), ["x" * 34])


def test_where_only_the_end_is_known_arguments_are_added_and_never_rewritten() -> None:
    marked = Kargs((KargsArea(500, b"\n#####", "grub.cfg", starts_known=False),), None, ToldBy.MARKER)
    assert append_kargs(marked, ["a"])[0].content == b" a\n"
    with pytest.raises(InputError, match="where its kernel arguments start"):
        write_kargs(marked, "a")
    with pytest.raises(VerificationError):
        marked.text()


@pytest.mark.parametrize("areas", [None, kargs(pad=b"\0", end=b"\0")])
def test_the_service_refuses_s390x_in_upstreams_words(areas: Kargs | None) -> None:
    with pytest.raises(InputError, match=r"^kargs cannot be modified in s390x architecture ISOs$"):
        refuse_s390x(areas)


def test_the_service_takes_other_architectures() -> None:
    refuse_s390x(kargs())


def test_an_empty_edit_is_false() -> None:
    assert not KargsEdit()
    assert KargsEdit(append=["a"])
