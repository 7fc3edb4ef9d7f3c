"""Which layers are read, how far, and what they hide."""

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, VerificationError

if TYPE_CHECKING:
    from tests.unit.payload.extraction.conftest import Entries, Scan


def tar_of(*members: tuple[str, bytes, bytes]) -> bytes:
    """Members as (name, type, content)."""
    out = io.BytesIO()
    with tarfile.open(mode="w", fileobj=out, format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_the_top_layer_wins_and_nothing_below_it_is_read(scan: "Scan", entries: "type[Entries]") -> None:
    done = scan([[entries.file("x", "0")], [entries.file("x", "1")], [entries.file("other", "2")]], "/x")

    assert done.nodes == {"x": b"1"}
    assert done.read == [2, 1]


@pytest.mark.parametrize("source", ["/d/x", "/d/", "/d/*", "/d"])
@pytest.mark.parametrize("how", ["whiteout", "whiteout of the parent", "opaque", "file for folder"])
def test_what_a_layer_above_hides_is_not_there(scan: "Scan", entries: "type[Entries]", source: str, how: str) -> None:
    base = [entries.file("d/x", "x")]
    above = {
        "whiteout": [entries.whiteout("d/x")],
        "whiteout of the parent": [entries.whiteout("d")],
        "opaque": [entries.folder("d"), entries.opaque("d")],
        "file for folder": [entries.file("d", "file")],
    }[how]

    found = scan([base, above], source).nodes

    assert b"x" not in found.values()


@pytest.mark.parametrize("above", ["whiteout", "opaque"])
def test_reading_stops_at_the_layer_that_deleted(scan: "Scan", entries: "type[Entries]", above: str) -> None:
    deleting = [entries.whiteout("d")] if above == "whiteout" else [entries.opaque("d"), entries.folder("d")]

    done = scan([[entries.file("d/x")], deleting, [entries.file("other")]], "/d/x")

    assert (done.nodes, done.read) == ({}, [2, 1])


def test_a_folder_in_the_place_of_a_file_starts_empty(scan: "Scan", entries: "type[Entries]") -> None:
    layers = [[entries.folder("d"), entries.file("d/old", "old")], [entries.file("d", "file")], [entries.folder("d")]]

    assert scan(layers, "/").nodes == {"d": None}
    assert scan(layers[:2], "/").nodes == {"d": b"file"}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_layer_that_is_passed_is_verified(scan: "Scan", entries: "type[Entries]", number: int) -> None:
    layers = [[entries.file("x", "0")], [entries.file("x", "1")], [entries.file("other", "2")]]

    def flip(place: int, content: bytes) -> bytes:
        # The last block of an archive is zeros behind its end mark, which no reader of tar would miss.
        return content[:-1] + b"\1" if place == number else content

    if number == 0:
        assert scan(layers, "/x", tamper=flip).nodes == {"x": b"1"}
    else:
        with pytest.raises(DigestMismatch):
            scan(layers, "/x", tamper=flip)


@pytest.mark.parametrize("damage", ["flipped", "appended", "damaged gzip"])
def test_of_two_faults_the_digest_is_told(scan: "Scan", damage: str) -> None:
    layer = gzip.compress(tar_of(("x", tarfile.REGTYPE, b"x" * 5000)), mtime=0)
    changes = {
        "flipped": layer[:30] + bytes([layer[30] ^ 1]) + layer[31:],
        "appended": layer + b"x",
        "damaged gzip": b"\x1f\x8b" + bytes(len(layer) - 2),
    }

    with pytest.raises(DigestMismatch) as caught:
        scan([layer], "/x", tamper=lambda _number, _content: changes[damage])

    assert caught.value.found == str(Digest.of(changes[damage]))


def test_a_layer_that_is_damaged_by_its_maker_is_refused_as_such(scan: "Scan") -> None:
    with pytest.raises(VerificationError, match="damaged"):
        scan([gzip.compress(b"no tar" * 200, mtime=0)], "/x")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused_only_when_they_are_wanted(scan: "Scan", kind: bytes) -> None:
    layer = tar_of(("dev/null", kind, b""), ("x", tarfile.REGTYPE, b"x"))

    assert scan([layer], "/x").nodes == {"x": b"x"}
    for source in ("/", "/dev/", "/dev/null"):
        with pytest.raises(VerificationError, match="never extracted"):
            scan([layer], source)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a/.."])
def test_an_entry_that_leads_outside_spoils_the_image(scan: "Scan", name: str) -> None:
    with pytest.raises(VerificationError, match="outside"):
        scan([tar_of(("ok", tarfile.REGTYPE, b""), (name, tarfile.REGTYPE, b"evil"))], "/ok")


def test_names_may_be_absolute_long_and_no_unicode(scan: "Scan") -> None:
    long = "/".join(["n" * 90] * 4)
    layer = tar_of(("/abs/./x", tarfile.REGTYPE, b"1"), (long, tarfile.REGTYPE, b"2"), ("caf\udce9", tarfile.REGTYPE, b"3"))

    assert scan([layer], "/abs/x").nodes == {"x": b"1"}
    assert scan([layer], f"/{long}").nodes == {"n" * 90: b"2"}
    assert scan([layer], "/caf*").nodes == {"caf\udce9": b"3"}


@pytest.mark.parametrize("empty", [b"", bytes(1024), gzip.compress(b"", mtime=0), gzip.compress(bytes(1024), mtime=0)])
def test_empty_layers_are_layers(scan: "Scan", entries: "type[Entries]", empty: bytes) -> None:
    assert scan([empty, [entries.file("x", "x")], empty], "/x").nodes == {"x": b"x"}


def test_an_image_without_layers_has_nothing(scan: "Scan") -> None:
    assert scan([], "/x", "/").read == []


def test_several_wishes_share_a_pass(scan: "Scan", entries: "type[Entries]") -> None:
    done = scan([[entries.file("a", "a"), entries.file("b", "b" * 9_000_000)], [entries.file("c", "c")]], "/a", "/b", "/c", "/b")

    assert [tree.nodes for tree in done.trees] == [{"a": b"a"}, {"b": b"b" * 9_000_000}, {"c": b"c"}, {"b": b"b" * 9_000_000}]
    assert done.read == [1, 0]


def test_the_companion_of_a_file_is_noted_though_it_is_not_wanted(scan: "Scan", entries: "type[Entries]") -> None:
    layers = [[entries.file("x", "x"), entries.file("x.sha256", "low")], [entries.file("x.sha256", "high")]]

    assert scan(layers, "/x").scan.checksums == {"x": b"high"}
