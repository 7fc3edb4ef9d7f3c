"""What ``--path`` means: folders, globs, single paths; and which layers a selector takes."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.oci.descriptor import OCI_LAYER_GZIP, Descriptor
from penstock.formats.oci.selection import LayerFilter, Selection, split_layer_filter
from penstock.model.digest import Digest
from penstock.model.errors import InputError

LAYERS = [Descriptor(OCI_LAYER_GZIP, Digest.of(bytes([number])), 1) for number in range(4)]
NAMES = st.text("ab.-]", min_size=1, max_size=5).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
CLASSES = st.builds("[{}{}]".format, st.sampled_from(["", "^"]), st.sampled_from(["a", "ab", "a-b", ".", "b-b"]))
GLOBS = st.lists(st.one_of(st.sampled_from(["a", "b", ".", "*", "?", "-"]), CLASSES), min_size=1, max_size=6).map("".join)
GLOBS = GLOBS.filter(lambda glob: glob not in {".", ".."})


@given(GLOBS, NAMES)
def test_globs_agree_with_fnmatch_where_both_mean_the_same(glob: str, name: str) -> None:
    expected = fnmatch.fnmatchcase(name, glob.replace("[^", "[!"))

    assert (Selection.parse(f"/d/{glob}").output_path(f"d/{name}") is not None) == expected


@given(GLOBS.filter(re.compile(r"[*?\[]").search), PATHS)
def test_a_glob_decides_by_the_first_name_alone(glob: str, path: str) -> None:
    selection = Selection.parse(f"/{glob}")

    assert (selection.output_path(path) is None) == (selection.output_path(path.split("/", maxsplit=1)[0]) is None)
    assert selection.output_path(path) in {None, path}


@given(NAMES, NAMES)
def test_a_quoted_name_matches_itself_alone(name: str, other: str) -> None:
    selection = Selection.parse("/d/" + "".join(f"\\{char}" for char in name))

    assert selection.output_path(f"d/{name}") == name
    assert (selection.output_path(f"d/{other}") is None) == (name != other)


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        # Go's path.Match, from its documentation and grammar.
        ("[\\]a]", "]", True),
        ("[\\-x]", "-", True),
        ("[\\-x]", ".", False),
        ("[^\\]]", "]", False),
        ("[\\\\]", "\\", True),
        ("[!a]", "a", True),
        ("[!a]", "b", False),
        ("[^^]", "^", False),
        ("[a&&b]", "&", True),
        ("[[]", "[", True),
        ("a]", "a]", True),
        ("*]", "b]", True),
        ("[é-ü]", "ö", True),
        ("*", "a\nb", True),
        ("*", ".hidden", True),
        ("?", "\udce9", True),
    ],
)
def test_classes_and_quotes_are_those_of_go(glob: str, name: str, matches: bool) -> None:
    assert (Selection.parse(f"/{glob}").output_path(name) is not None) == matches


@pytest.mark.parametrize("glob", ["[", "[a", "[]", "[]a]", "[^]", "[^]a]", "[a-", "[a-]", "[-a]", "[b-a]", "[a-b-c]", "[a\\", "a\\", "[x"])
def test_globs_that_go_refuses_are_refused(glob: str) -> None:
    with pytest.raises(InputError, match="glob"):
        Selection.parse(f"/d/{glob}")


@pytest.mark.parametrize("source", ["..", "/..", "a/../b", "../*", "a/.."])
def test_a_source_that_climbs_is_refused(source: str) -> None:
    with pytest.raises(InputError, match=r"\.\."):
        Selection.parse(source)


@pytest.mark.parametrize("source", ["/", "//", ".", "./", "/./"])
def test_the_root_is_taken_by_its_content(source: str) -> None:
    selection = Selection.parse(source)

    assert selection.output_path("a/b") == "a/b"
    assert selection.output_path("") is None


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        ("/a/b", "a/b", "b"),
        ("a//./b", "a/b", "b"),
        ("/a/b", "a/b/c", "b/c"),
        ("/a/b", "a/bc", None),
        ("/a/b", "a", None),
        ("/a/b/", "a/b/c/d", "c/d"),
        ("/a/b/", "a/b", None),
        ("/a/b/", "a/bc", None),
        ("/a/b/.", "a/b/c", "c"),
        ("/a/*", "a/b/c", "b/c"),
        ("/a/*", "a", None),
        ("/a/*", "b/a", None),
    ],
)
def test_what_goes_where(source: str, path: str, expected: str | None) -> None:
    assert Selection.parse(source).output_path(path) == expected


@given(st.one_of(PATHS, PATHS.map("{}/".format), GLOBS.map("a/{}".format)), PATHS)
def test_the_asked_path_undoes_the_output_path_and_what_is_wanted_is_of_concern(source: str, path: str) -> None:
    selection = Selection.parse(source)
    out = selection.output_path(path)

    if out is not None:
        assert selection.image_path(out) == path
        names = path.split("/")
        assert all(selection.concerns("/".join(names[:depth])) for depth in range(len(names) + 1))


@given(PATHS, PATHS)
def test_a_wish_that_moved_gives_the_same_names(path: str, top: str) -> None:
    moved = Selection.parse(path).moved(top)

    assert moved.output_path(top) == path.rpartition("/")[2]
    assert moved.output_path(f"{top}/x") == f"{path.rpartition('/')[2]}/x"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [0, 1, 2, 3]),
        ("0", [0]),
        ("-1", [3]),
        ("1:", [1, 2, 3]),
        (":2", [0, 1]),
        ("-2:", [2, 3]),
        ("1:-1", [1, 2]),
        (":", [0, 1, 2, 3]),
        ("0:99", [0, 1, 2, 3]),
        (f"~{LAYERS[2].digest.hex[:6]}", [2]),
        (f"~{LAYERS[2].digest}", [2]),
    ],
)
def test_layers_are_taken_by_number_range_and_digest(text: str, numbers: list[int]) -> None:
    assert [number for number, _ in LayerFilter(text).choose(LAYERS, subject="image")] == numbers


@pytest.mark.parametrize("text", ["4", "-5", "2:2", "9:", "~0000000000000000", "x", "-:", "1:2:3", "~", "~XY", "9" * 5000, "²"])
def test_a_selector_that_takes_nothing_or_cannot_be_read_is_bad_input(text: str) -> None:
    with pytest.raises(InputError):
        LayerFilter(text).choose(LAYERS, subject="image")


@pytest.mark.parametrize(
    ("reference", "ref", "text"),
    [
        ("a.b/c:1", "a.b/c:1", ""),
        ("a.b/c:1[-1]", "a.b/c:1", "-1"),
        ("[::1]:5000/c[0:2]", "[::1]:5000/c", "0:2"),
        ("[::1]:5000/c", "[::1]:5000/c", ""),
        ("a.b/c@sha256:00[~ab]", "a.b/c@sha256:00", "~ab"),
    ],
)
def test_the_selector_is_taken_off_the_reference(reference: str, ref: str, text: str) -> None:
    assert split_layer_filter(reference) == (ref, LayerFilter(text))
