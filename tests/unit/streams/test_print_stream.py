"""Printing a stream: the default by release, the names that are refused, the exact bytes."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from penstock.formats.bootimages import BootImages
from penstock.formats.stream import parse_stream
from penstock.model.errors import InputError, NotFoundError
from penstock.model.stream import Stream
from penstock.streams.printing import choose_stream, default_rhel, print_stream


def stream(name: str) -> Stream:
    return parse_stream(json.dumps({"stream": name, "metadata": {}, "architectures": {}}).encode(), subject="s")


def images(names: Iterable[str]) -> BootImages:
    return BootImages("", stream("data.stream"), {name: stream(name) for name in names})


BOTH = images(["rhel-10", "rhel-9"])


@pytest.mark.parametrize(
    ("version", "rhel"),
    [
        ("4.8.0", 9),
        ("4.22.3", 9),
        ("4.99", 9),
        ("4.22.0-0.nightly-2026-01-01-000000", 9),
        ("5.0.0", 10),
        ("5.0.0-ec.2", 10),
        ("6.1.0", 10),
        ("", 10),
        ("0.0.0", 10),
        ("0.0.1-snapshot", 10),
        ("was not built correctly", 10),
        ("4", 10),
    ],
)
def test_the_default_is_rhel_9_before_openshift_5(version: str, rhel: int) -> None:
    assert default_rhel(version) == rhel
    assert choose_stream(BOTH, "", version)[0] == f"rhel-{rhel}"


def test_the_default_is_not_data_stream_which_stays_for_old_readers() -> None:
    assert choose_stream(BOTH, "", "5.0.0") == ("rhel-10", stream("rhel-10"))


def test_a_name_wins_over_the_version() -> None:
    assert choose_stream(BOTH, "rhel-9", "5.0.0")[0] == "rhel-9"


def test_a_bad_name_is_refused_with_the_names_in_the_order_of_their_rhel() -> None:
    with pytest.raises(InputError) as caught:
        choose_stream(BOTH, "rhel-8", "")
    assert caught.value.message == 'invalid value "rhel-8" for --stream; must be one of [rhel-9 rhel-10]'


def test_one_stream_alone_is_the_default_in_every_release() -> None:
    assert choose_stream(images(["centos-10"]), "", "4.22.0")[0] == "centos-10"
    assert choose_stream(images(["rhel-9"]), "", "5.0.0")[0] == "rhel-9"


@pytest.mark.parametrize("named", [None, {"": stream("scos")}])
def test_streams_without_names_answer_for_any_name(named: dict[str, Stream] | None) -> None:
    old = BootImages("4.20.1", stream("rhcos-4.20"), named)
    assert choose_stream(old, "rhel-10", "4.20.1") == choose_stream(old, "", "") == ("", stream("rhcos-4.20"))


def test_no_stream_of_the_default_rhel_needs_a_name() -> None:
    with pytest.raises(NotFoundError) as caught:
        choose_stream(images(["rhel-9", "rhel-11"]), "", "5.0.0")
    assert "[rhel-9 rhel-11]" in caught.value.hint


def test_printed_is_one_line_with_the_escapes_of_go() -> None:
    escaped = parse_stream('{"stream": "a<b>&\u2028é", "architectures": {"x86_64": {"images": {}}}}'.encode(), subject="s")
    expected = '{"stream":"a\\u003cb\\u003e\\u0026\\u2028é","architectures":{"x86_64":{"images":{}}}}'
    assert print_stream(escaped).decode() == expected
    assert print_stream(escaped, pretty=True).decode().startswith('{\n  "stream": "a\\u003cb')


@pytest.mark.real_data
def test_a_published_stream_is_printed_as_compact_json_of_the_same_content(real_data: Path) -> None:
    content = (real_data / "streams/installer/coreos-rhel-9-98c7275538.json").read_bytes()
    printed = print_stream(parse_stream(content, subject="s"))
    assert printed == json.dumps(json.loads(content), separators=(",", ":")).encode()  # its file is in the library's order
    assert print_stream(parse_stream(content, subject="s"), pretty=True) == content
