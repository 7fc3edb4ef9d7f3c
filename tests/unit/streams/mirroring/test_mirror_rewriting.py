"""The stream of a mirror: addresses change, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.formats.codec import to_tree
from penstock.formats.stream import parse_stream
from penstock.model.errors import InputError
from penstock.streams.mirroring.rewrite import parse_base, rewrite_locations

DISK: dict[str, Any] = {
    "location": "https://o.example/p/a.iso?x=1",
    "signature": "https://o.example/q/a.iso.sig",
    "sha256": "a" * 64,
    "new": 1,
}
OTHER: dict[str, Any] = {"location": "https://o.example/p/b", "sha256": "b" * 64}


def document(disk: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    artifacts = {"metal": {"release": "1", "formats": {"iso": {"disk": disk}, "pxe": {"rootfs": other}}, "note": 2}}
    return {"stream": "s", "architectures": {"s390x": {}, "x86_64": {"artifacts": artifacts, "images": {}}}, "more": 3}


def rewritten(**options: Any) -> Any:  # noqa: ANN401
    stream = parse_stream(json.dumps(document(DISK, OTHER)).encode(), subject="s")
    return to_tree(rewrite_locations(stream, "https://m.example/os/", **options))


def test_every_location_and_signature_is_under_the_base() -> None:
    moved = DISK | {"location": "https://m.example/os/a.iso", "signature": "https://m.example/os/a.iso.sig"}
    assert rewritten() == document(moved, OTHER | {"location": "https://m.example/os/b"})


def test_files_that_are_not_named_stay_where_they_are() -> None:
    assert rewritten(names={"b"}) == document(DISK, OTHER | {"location": "https://m.example/os/b"})


def test_a_signature_that_was_not_mirrored_is_taken_out() -> None:
    moved = {key: value for key, value in DISK.items() if key != "signature"} | {"location": "https://m.example/os/a.iso"}
    assert rewritten(signatures=False) == document(moved, OTHER | {"location": "https://m.example/os/b"})


def test_two_files_that_would_have_one_address_are_refused() -> None:
    stream = parse_stream(json.dumps(document(DISK, OTHER | {"location": "https://o.example/z/a.iso"})).encode(), subject="s")
    with pytest.raises(InputError, match="two files are called so"):
        rewrite_locations(stream, "https://m.example")
    rewrite_locations(stream, "https://m.example", names=set())


@pytest.mark.parametrize("base", ["", "mirror.example", "file:///x", "https://", "https://m example", "https://m:x"])
def test_a_base_that_is_no_address_is_refused(base: str) -> None:
    with pytest.raises(InputError, match="is no HTTP address"):
        parse_base(base)


@pytest.mark.parametrize(
    ("base", "address"),
    [("http://m", "http://m/a"), ("http://m/x//", "http://m/x/a"), ("http://m:81/x?token=1", "http://m:81/x/a?token=1")],
)
def test_the_name_goes_behind_the_path(base: str, address: str) -> None:
    assert parse_base(base)("a") == address


@pytest.mark.real_data
def test_of_a_published_stream_only_the_addresses_change(real_data: Path) -> None:
    content = (real_data / "streams/fcos/stream-stable.json").read_bytes()
    moved = to_tree(rewrite_locations(parse_stream(content, subject="s"), "https://m.example/os"))

    def expected(tree: Any) -> Any:  # noqa: ANN401
        if isinstance(tree, dict):
            names = ("location", "signature")
            return {k: f"https://m.example/os/{v.rpartition('/')[2]}" if k in names else expected(v) for k, v in tree.items()}
        return tree

    assert moved == expected(json.loads(content))
