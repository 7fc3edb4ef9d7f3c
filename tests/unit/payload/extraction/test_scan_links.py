"""Links are followed inside the image, and nowhere else."""

from typing import TYPE_CHECKING

import pytest

from penstock.model.errors import NotFoundError, VerificationError

if TYPE_CHECKING:
    from tests.unit.payload.extraction.conftest import Entries, Scan


@pytest.mark.parametrize("link_first", [False, True])
def test_a_hardlink_is_a_second_name_whatever_the_order(scan: "Scan", entries: "type[Entries]", link_first: bool) -> None:
    layer = [entries.file("d/file", "content"), entries.hardlink("d/link", "d/file")]

    done = scan([layer[::-1] if link_first else layer], "/d/")

    assert done.nodes == {"file": b"content", "link": b"content"}
    assert done.read == [0]


@pytest.mark.parametrize("source", ["/d/link", "/d/l*", "/d/"])
def test_a_hardlink_whose_target_is_not_wanted_has_its_content(scan: "Scan", entries: "type[Entries]", source: str) -> None:
    layer = [entries.file("objects/1", "content"), entries.hardlink("d/link", "/objects/1"), entries.hardlink("e", "d/link")]

    assert scan([layer], source).nodes == {"link": b"content"}
    assert scan([layer], "/e").nodes == {"e": b"content"}


def test_a_hardlink_reaches_into_a_lower_layer(scan: "Scan", entries: "type[Entries]") -> None:
    assert scan([[entries.file("file", "low")], [entries.hardlink("link", "file")]], "/link").nodes == {"link": b"low"}


def test_a_hardlink_keeps_the_content_that_a_layer_above_replaced(scan: "Scan", entries: "type[Entries]") -> None:
    layers = [[entries.file("file", "old"), entries.hardlink("link", "file")], [entries.file("file", "new")]]

    assert scan(layers, "/").nodes == {"file": b"new", "link": b"old"}
    assert scan([*layers, [entries.whiteout("file")]], "/").nodes == {"link": b"old"}


def test_many_hardlinks_out_of_a_selection_cost_one_more_pass(scan: "Scan", entries: "type[Entries]") -> None:
    objects = [entries.file(f"objects/{number}", str(number)) for number in range(200)]
    links = [entries.hardlink(f"usr/{number}", f"objects/{number}") for number in range(200)]

    done = scan([[*objects, *links]], "/usr/")

    assert done.nodes == {str(number): str(number).encode() for number in range(200)}
    assert done.read == [0, 0]


@pytest.mark.parametrize("target", ["real/file", "./real//file", "/real/file", "../../real/file", "via", "dir/file", "/dir/../dir/file"])
def test_a_symlink_that_is_asked_for_by_name_is_followed(scan: "Scan", entries: "type[Entries]", target: str) -> None:
    layer = [
        entries.file("real/file", "content"),
        entries.symlink("via", "/real/file"),
        entries.symlink("dir", "real"),
        entries.symlink("link", target),
    ]

    assert scan([layer], "/link").nodes == {"link": b"content"}


@pytest.mark.parametrize("source", ["/dir/file", "/dir/", "/dir/f*", "/chain/file", "/up/real/file"])
def test_symlinks_on_the_way_are_followed(scan: "Scan", entries: "type[Entries]", source: str) -> None:
    layer = [
        entries.file("a/real/file", "content"),
        entries.symlink("dir", "a/real"),
        entries.symlink("chain", "dir"),
        entries.symlink("a/real/top", "/"),
        entries.symlink("up", "a/real/top/a"),
    ]
    found = scan([layer], source).nodes

    assert found["file"] == b"content"


def test_a_symlink_leads_to_what_a_higher_layer_shows(scan: "Scan", entries: "type[Entries]") -> None:
    layers = [[entries.symlink("link", "file"), entries.file("file", "old")], [entries.file("file", "new")]]

    assert scan(layers, "/link").nodes == {"link": b"new"}
    with pytest.raises(NotFoundError):
        scan([*layers, [entries.whiteout("file")]], "/link")


def test_a_symlink_to_a_folder_brings_the_folder(scan: "Scan", entries: "type[Entries]") -> None:
    layer = [entries.folder("v1"), entries.file("v1/x", "x"), entries.symlink("current", "v1")]

    assert scan([layer], "/current").nodes == {"current": None, "current/x": b"x"}


def test_inside_a_folder_a_symlink_stays_a_link(scan: "Scan", entries: "type[Entries]") -> None:
    layer = [entries.symlink("d/out", "/etc/passwd"), entries.symlink("d/dangling", "nowhere"), entries.file("etc/passwd", "root")]

    assert scan([layer], "/d/").nodes == {"out": "/etc/passwd", "dangling": "nowhere"}


@pytest.mark.parametrize("target", ["nowhere", "../../../etc/shadow", "/etc/shadow"])
def test_a_symlink_that_leads_nowhere_is_not_found(scan: "Scan", entries: "type[Entries]", target: str) -> None:
    with pytest.raises(NotFoundError, match="link to"):
        scan([[entries.symlink("link", target)]], "/link")


@pytest.mark.parametrize(
    "links", [{"link": "link"}, {"link": "other", "other": "link"}, {"link": "d/x", "d": "d"}, {"link": "d/x", "d": "d/d"}]
)
def test_symlinks_in_a_circle_are_an_error(scan: "Scan", entries: "type[Entries]", links: dict[str, str]) -> None:
    with pytest.raises(VerificationError, match=r"circle|without end"):
        scan([[entries.symlink(path, target) for path, target in links.items()]], "/link")


def test_a_hardlink_to_itself_is_an_error_at_once(scan: "Scan", entries: "type[Entries]") -> None:
    with pytest.raises(VerificationError, match="circle"):
        scan([[entries.hardlink("link", "link")]], "/link")


def test_a_hardlink_to_nothing_is_not_found(scan: "Scan", entries: "type[Entries]") -> None:
    with pytest.raises(NotFoundError, match="link to /gone"):
        scan([[entries.hardlink("link", "gone")]], "/link")
