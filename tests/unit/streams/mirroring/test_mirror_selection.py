"""Which files of a stream are mirrored, and what stops that before anything is asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.formats.stream import parse_stream
from penstock.model.errors import InputError, NotFoundError
from penstock.model.stream import Stream
from penstock.streams.mirroring.selection import Selection, WantedFile, select

A, B = "a" * 64, "b" * 64


def make(**architectures: dict[str, dict[str, dict[str, Any]]]) -> Stream:
    """A stream: architecture to platform to format to its files."""
    entries = {
        arch: {"artifacts": {platform: {"release": "1", "formats": formats} for platform, formats in platforms.items()}, "images": {}}
        for arch, platforms in architectures.items()
    }
    return parse_stream(json.dumps({"stream": "s", "architectures": entries}).encode(), subject="s")


def file(name: str, sha256: str = A, *, signature: str | None = None) -> dict[str, str]:
    return {"location": f"https://x.example/{name}", "sha256": sha256} | ({"signature": signature} if signature is not None else {})


def chosen(stream: Stream, selection: Selection = Selection(), *, signatures: bool = True) -> tuple[WantedFile, ...]:  # noqa: B008
    return select(stream, selection, signatures=signatures, subject="s")


def test_all_parts_of_a_format_are_taken_in_the_order_of_the_document() -> None:
    pxe = {"rootfs": file("r"), "kernel": file("k"), "initramfs": file("i")}
    assert [found.name for found in chosen(make(x86_64={"metal": {"pxe": pxe}}))] == ["k", "i", "r"]


def test_a_file_that_stands_in_two_places_is_one() -> None:
    stream = make(x86_64={"azure": {"vhd": {"disk": file("a.vhd")}}, "azurestack": {"vhd": {"disk": file("a.vhd")}}})
    (found,) = chosen(stream)
    assert found.slots == ("azure vhd disk x86_64", "azurestack vhd disk x86_64")


def test_two_files_of_one_name_are_refused_unless_one_is_left_out() -> None:
    stream = make(x86_64={"metal": {"iso": {"disk": file("a.iso")}}}, aarch64={"metal": {"iso": {"disk": file("a.iso", B)}}})
    with pytest.raises(InputError, match=r"a\.iso: two files are called so: metal iso disk aarch64 \(b{12}\) and .* x86_64 \(a{12}\)"):
        chosen(stream)
    assert len(chosen(stream, Selection(arches=("x86_64",)))) == 1


def test_a_file_that_is_called_as_a_signature_is_refused() -> None:
    formats = {"iso": {"disk": file("a", signature="https://x.example/a.sig")}, "x": {"disk": file("a.sig", B)}}
    stream = make(x86_64={"metal": formats})
    with pytest.raises(InputError, match=r"a\.sig: a file is called as another one's signature"):
        chosen(stream)
    assert len(chosen(stream, signatures=False)) == 2


@pytest.mark.parametrize(
    "location", ["ftp://x/a", "/x/a", "https:///a", "https://x:99999/a", "https://x/a b", "https://[x/a", "https://x/a\n"]
)
def test_what_is_no_address_is_refused(location: str) -> None:
    with pytest.raises(InputError, match="metal iso disk x86_64: location: this is no address"):
        chosen(make(x86_64={"metal": {"iso": {"disk": file("") | {"location": location}}}}))


@pytest.mark.parametrize("name", ["", ".", "..", "a\\b", "a" * 201, "?a"])
def test_a_name_that_a_folder_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="does not end in a usable file name"):
        chosen(make(x86_64={"metal": {"iso": {"disk": file(name)}}}))


def test_a_sha256_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(InputError, match="metal iso disk x86_64: sha256: 'c' is not a SHA-256"):
        chosen(make(x86_64={"metal": {"iso": {"disk": file("a", "c")}}}))


def test_an_empty_signature_is_none() -> None:
    (found,) = chosen(make(x86_64={"metal": {"iso": {"disk": file("a", signature="")}}}))
    assert found.signature_url is None


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Selection(arches=("s390x",)), "the stream has no architecture 's390x'"),
        (Selection(platforms=("aws",)), "the stream has no platform 'aws'"),
        (Selection(formats=("raw",)), "the stream has no format 'raw'"),
    ],
)
def test_what_the_stream_does_not_know_is_named_with_what_it_has(wanted: Selection, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        chosen(make(x86_64={"metal": {"iso": {"disk": file("a")}}}), wanted)
    assert error.value.hint.startswith("it has ")


def test_a_choice_that_leaves_nothing_is_not_found() -> None:
    stream = make(x86_64={"metal": {"iso": {"disk": file("a")}}}, aarch64={"aws": {"vmdk": {"disk": file("b")}}})
    with pytest.raises(NotFoundError, match="no file of the stream is chosen"):
        chosen(stream, Selection(arches=("x86_64",), platforms=("aws",)))


@pytest.mark.real_data
def test_every_published_stream_can_be_mirrored_whole(real_data: Path) -> None:
    for path in [*(real_data / "streams/installer").glob("*.json"), real_data / "streams/fcos/stream-stable.json"]:
        stream = parse_stream(path.read_bytes(), subject=path.name)
        files = chosen(stream)
        assert len(files) > 20
        assert all((found.signature_url is not None) == (stream.stream == "stable") for found in files)
