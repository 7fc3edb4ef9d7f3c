"""Merging the images of a push into a stream: the laws of it, and what becomes of regions that hold another build."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode, to_tree
from penstock.formats.stream import parse_stream, write_stream_document
from penstock.model.errors import InputError, VerificationError
from penstock.model.stream import Stream
from penstock.streams.parts import OtherBuilds, merge_part, parse_part, places_of

NAMES = st.sampled_from(["x86_64", "aarch64", "ppc64le"])
UNKNOWN: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(["note", "zeta"]), st.integers(0, 3), max_size=2)
REGION = st.fixed_dictionaries({"image": st.sampled_from(["ami-1", "ami-2", "ami-3"])}, optional={"release": st.sampled_from("ab")})
REGIONS = st.dictionaries(st.sampled_from(["us-east-1", "eu-west-1", "sa-east-1"]), st.builds(lambda a, b: a | b, REGION, UNKNOWN))
REPLICATED = st.none() | st.builds(lambda regions, more: {"regions": regions} | more, REGIONS, UNKNOWN)
GCP = st.none() | st.fixed_dictionaries(
    {"project": st.sampled_from("pq"), "name": st.sampled_from("nm")}, optional={"family": st.just("f")}
)
URN = st.fixed_dictionaries({"publisher": st.just("p"), "offer": st.just("o"), "sku": st.sampled_from("st"), "version": st.just("1.2.3")})
GENERATIONS = st.dictionaries(st.sampled_from(["hyperVGen1", "hyperVGen2"]), URN)
MARKETPLACE = st.fixed_dictionaries(
    {}, optional={"azure": st.dictionaries(st.sampled_from(["ocp", "oke"]), GENERATIONS), "othercloud": st.integers(0, 3)}
)
IMAGES = st.fixed_dictionaries({}, optional={"aws": REPLICATED, "aliyun": REPLICATED, "gcp": GCP, "newcloud": st.integers(0, 3)})
EXTENSIONS = st.fixed_dictionaries({}, optional={"aws-winli": REPLICATED, "marketplace": MARKETPLACE, "note": st.just(1)})
PART_ARCH = st.fixed_dictionaries({}, optional={"images": st.none() | IMAGES, "rhel-coreos-extensions": st.none() | EXTENSIONS})
ARCH = st.builds(lambda part, rest: part | rest, PART_ARCH, st.fixed_dictionaries({"artifacts": st.just({"metal": {"release": "z"}})}))


def _stream(architectures: Any) -> Stream:  # noqa: ANN401  # plain data
    return decode({"stream": "s", "architectures": architectures, "more": [1]}, Stream, subject="generated")


STREAMS = st.dictionaries(NAMES, ARCH).map(_stream)
PARTS = st.dictionaries(NAMES, PART_ARCH).map(_stream)
WHOLE_PARTS = st.fixed_dictionaries(dict.fromkeys(["x86_64", "aarch64", "ppc64le"], PART_ARCH)).map(_stream)


def tree_of(stream: Stream) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(to_tree(stream)))
    return found


def expected(stream: Stream, part: Stream) -> dict[str, Any]:
    """The rule, said over plain JSON: entries are set at their paths, unknown keys beside the ways there are united."""
    made, added = tree_of(stream), tree_of(part)
    for name, arch in made["architectures"].items():
        _set(arch, added["architectures"].get(name), ("images", "rhel-coreos-extensions"))
    return made


WAYS = {"images": ("aws", "aliyun"), "rhel-coreos-extensions": ("aws-winli", "marketplace")}
DEEPER = {"aws": ("regions",), "aliyun": ("regions",), "aws-winli": ("regions",), "marketplace": ("azure",), "azure": ("ocp", "oke")}


def _set(below: dict[str, Any], above: dict[str, Any] | None, ways: tuple[str, ...]) -> None:
    for key, value in (above or {}).items():
        if value is None:
            continue
        if key in ways and isinstance(below.get(key), dict):
            _set(below[key], value, WAYS.get(key) or DEEPER.get(key, ()))
        else:
            below[key] = copy.deepcopy(value)


@given(STREAMS, PARTS)
def test_every_image_of_the_part_takes_its_place_and_everything_else_stays(stream: Stream, part: Stream) -> None:
    assert tree_of(merge_part(stream, part).stream) == expected(stream, part)


@given(STREAMS, PARTS)
def test_merging_a_part_twice_is_merging_it_once(stream: Stream, part: Stream) -> None:
    once = merge_part(stream, part).stream
    assert merge_part(once, part).stream == once


@given(STREAMS, WHOLE_PARTS, WHOLE_PARTS)
def test_parts_may_be_merged_with_each_other_first(stream: Stream, first: Stream, second: Stream) -> None:
    one_by_one = merge_part(merge_part(stream, first).stream, second).stream
    assert merge_part(stream, merge_part(first, second).stream).stream == one_by_one


@given(STREAMS, PARTS, PARTS)
def test_parts_without_a_common_place_may_come_in_any_order(stream: Stream, first: Stream, second: Stream) -> None:
    only = _stream({})
    apart = only.with_fields(architectures={f"{name}": arch for name, arch in first.architectures.items() if name == "x86_64"})
    other = only.with_fields(architectures={name: arch for name, arch in second.architectures.items() if name != "x86_64"})
    assert merge_part(merge_part(stream, apart).stream, other).stream == merge_part(merge_part(stream, other).stream, apart).stream


@given(STREAMS, PARTS)
def test_the_images_of_the_part_are_those_of_the_result(stream: Stream, part: Stream) -> None:
    found = places_of(merge_part(stream, part).stream)
    for place, entry in places_of(part).items():
        if place[0] in stream.architectures:
            assert found[place] == entry


@given(STREAMS, PARTS)
def test_neither_document_is_changed(stream: Stream, part: Stream) -> None:
    before = tree_of(stream), tree_of(part)
    merge_part(stream, part, OtherBuilds.DROP)
    assert (tree_of(stream), tree_of(part)) == before


@given(STREAMS, PARTS)
def test_who_drops_other_builds_has_none(stream: Stream, part: Stream) -> None:
    made = merge_part(stream, part, OtherBuilds.DROP).stream
    assert merge_part(made, part, OtherBuilds.REFUSE).mixes == ()


@given(STREAMS, PARTS)
def test_dropping_takes_away_regions_of_other_builds_and_nothing_else(stream: Stream, part: Stream) -> None:
    kept, dropped = merge_part(stream, part), merge_part(stream, part, OtherBuilds.DROP)
    gone = places_of(kept.stream).keys() - places_of(dropped.stream).keys()
    assert {place[-1] for place in gone} == {region for mix in kept.mixes for region in mix.others}
    assert not gone & places_of(part).keys()


def aws(**regions: str) -> dict[str, Any]:
    """``aws(us="a")``: a region with an image of this build."""
    return {"regions": {name: {"release": build, "image": f"ami-{name}"} for name, build in regions.items()}}


def one(images: dict[str, Any]) -> Stream:
    return _stream({"x86_64": {"images": images}})


def test_a_part_that_leaves_regions_with_another_build_is_refused_with_both_builds_named() -> None:
    stream, part = one({"aws": aws(us="9.6.1", eu="9.6.1", sa="9.6.2")}), one({"aws": aws(us="9.6.2")})
    with pytest.raises(VerificationError, match=r"aws x86_64 is of 9\.6\.2 now, but for eu \(9\.6\.1\)") as caught:
        merge_part(stream, part, OtherBuilds.REFUSE)
    assert "--other-builds" in caught.value.hint


def test_a_part_that_names_all_regions_is_never_refused() -> None:
    stream, part = one({"aws": aws(us="9.6.1", eu="9.6.1")}), one({"aws": aws(us="9.6.2", eu="9.6.2")})
    assert merge_part(stream, part, OtherBuilds.REFUSE).stream.architectures == part.architectures


def test_clouds_that_the_part_says_nothing_of_may_hold_what_they_like() -> None:
    stream, part = one({"aws": aws(us="9.6.1"), "aliyun": aws(cn="9.4.1")}), one({"aws": aws(us="9.6.2")})
    assert merge_part(stream, part, OtherBuilds.REFUSE).mixes == ()


def test_a_key_beside_the_old_image_does_not_stay_with_the_new_one() -> None:
    stream = one({"aws": {"regions": {"us": {"image": "ami-1", "tested-at": "2026"}}, "note": 1}})
    merged = merge_part(stream, one({"aws": {"regions": {"us": {"image": "ami-2"}}}})).stream
    assert tree_of(merged)["architectures"]["x86_64"]["images"] == {"aws": {"regions": {"us": {"image": "ami-2"}}, "note": 1}}


def test_architectures_that_the_stream_does_not_have_are_told_and_left_out() -> None:
    merged = merge_part(one({}), _stream({"s390x": {"images": {"aws": aws(us="1")}}}))
    assert (merged.ignored, list(merged.stream.architectures)) == (("s390x",), ["x86_64"])


def test_what_a_part_changes_is_all_that_a_difference_of_the_files_shows() -> None:
    content = b"""\
{
    "stream": "s",
    "architectures": {
        "x86_64": {
            "artifacts": {},
            "images": {
                "aws": {
                    "regions": {
                        "eu": {
                            "release": "1",
                            "image": "ami-1"
                        }
                    }
                },
                "newcloud": 1.0
            }
        }
    }
}"""
    stream = parse_stream(content, subject="s")
    merged = merge_part(stream, one({"aws": aws(eu="2")})).stream
    assert write_stream_document(merged, like=content) == content.replace(b'"1"', b'"2"').replace(b"ami-1", b"ami-eu")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"stream": "s", "architectures": {"x86_64": {"artifacts": {"metal": {}}, "images": {"gcp": {"name": "n"}}}}}', "a whole stream"),
        (b'{"stream": "s", "architectures": {"x86_64": {"images": {"aws": {"regions": {}}}}}}', "no images"),
        (b'{"stream": "s", "architectures": {}}', "no images"),
        (b'{"x86_64": {}}', "marketplace file"),
    ],
)
def test_what_is_no_part_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_part(content, subject="part.json")
