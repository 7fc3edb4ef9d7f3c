"""Merging marketplace images into a stream: the laws, and the defect that upstream had."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode, to_tree
from penstock.formats.stream import parse_marketplace, parse_stream, write_stream_document
from penstock.model.marketplace import MarketplaceFile
from penstock.model.record import Tree
from penstock.model.stream import Stream
from penstock.streams.merging import merge_marketplace

NAMES = st.sampled_from(["x86_64", "aarch64", "ppc64le", "s390x"])
IMAGES = st.fixed_dictionaries(
    {"publisher": st.just("p"), "offer": st.just("o"), "sku": st.sampled_from("abc"), "version": st.just("1.2.3")},
    optional={"thirdParty": st.booleans()},
)
PLANS = st.dictionaries(st.sampled_from(["hyperVGen1", "hyperVGen2"]), IMAGES)
ENTRIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional={"azure": st.dictionaries(st.sampled_from(["ocp", "oke", "no-purchase-plan", "new"]), PLANS), "othercloud": st.integers()}
)
EXTENSIONS = st.fixed_dictionaries(
    {}, optional={"azure-disk": st.just({"release": "1"}), "marketplace": st.none() | ENTRIES, "unknown": st.just({"z": 1, "a": 2})}
)
ARCHITECTURES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional={"artifacts": st.just({"metal": {"release": "1"}}), "rhel-coreos-extensions": st.none() | EXTENSIONS, "note": st.just(1)}
)


def _stream(architectures: Tree) -> Stream:
    return decode({"stream": "s", "architectures": architectures, "more": [1]}, Stream, subject="generated")


def _marketplace(entries: Tree) -> MarketplaceFile:
    return decode(entries, MarketplaceFile, subject="generated")


STREAMS = st.dictionaries(NAMES, ARCHITECTURES).map(_stream)
FILES = st.dictionaries(NAMES, ENTRIES).map(_marketplace)


def tree_of(stream: Stream) -> dict[str, Tree]:
    tree = to_tree(stream)
    assert isinstance(tree, dict)
    return tree


def expected(stream: Stream, marketplace: MarketplaceFile) -> dict[str, object]:
    """The rule, said over plain JSON."""
    tree: dict[str, object] = json.loads(json.dumps(to_tree(stream)))
    architectures = tree["architectures"]
    assert isinstance(architectures, dict)
    for name, architecture in architectures.items():
        if name in marketplace:
            architecture["rhel-coreos-extensions"] = (architecture.get("rhel-coreos-extensions") or {}) | {
                "marketplace": to_tree(marketplace[name])
            }
    return tree


@given(STREAMS, FILES)
def test_each_architecture_of_the_stream_gets_its_entry_and_nothing_else_changes(stream: Stream, marketplace: MarketplaceFile) -> None:
    assert tree_of(merge_marketplace(stream, marketplace).stream) == expected(stream, marketplace)


@given(STREAMS, FILES)
def test_merging_twice_is_merging_once(stream: Stream, marketplace: MarketplaceFile) -> None:
    once = merge_marketplace(stream, marketplace).stream
    assert merge_marketplace(once, marketplace).stream == once


@given(STREAMS, FILES, FILES)
def test_of_two_files_the_last_one_counts(stream: Stream, first: MarketplaceFile, second: MarketplaceFile) -> None:
    both = merge_marketplace(merge_marketplace(stream, first).stream, second).stream
    assert both == merge_marketplace(stream, first | second).stream


@given(STREAMS, FILES)
def test_the_stream_that_was_given_is_not_changed(stream: Stream, marketplace: MarketplaceFile) -> None:
    before = tree_of(stream)
    merge_marketplace(stream, marketplace)
    assert tree_of(stream) == before


@given(STREAMS, FILES)
def test_architectures_that_the_stream_does_not_have_are_told(stream: Stream, marketplace: MarketplaceFile) -> None:
    assert merge_marketplace(stream, marketplace).ignored == tuple(sorted(set(marketplace) - set(stream.architectures)))


@pytest.mark.parametrize("extensions", ["", ', "rhel-coreos-extensions": null', ', "rhel-coreos-extensions": {}'])
def test_an_architecture_without_extensions_gets_its_entry(extensions: str) -> None:
    """Upstream changed a copy there, and lost the entry."""
    stream = parse_stream(f'{{"stream": "s", "architectures": {{"x86_64": {{"images": {{}}{extensions}}}}}}}'.encode(), subject="s")
    merged = merge_marketplace(stream, parse_marketplace(b'{"x86_64": {"azure": {"ocp": {}}}}', subject="m")).stream
    assert tree_of(merged)["architectures"] == {"x86_64": {"images": {}, "rhel-coreos-extensions": {"marketplace": {"azure": {"ocp": {}}}}}}


def test_an_entry_is_replaced_whole() -> None:
    old = b'{"marketplace": {"azure": {"ocp": {}, "oke": {}}, "othercloud": 1}, "unknown": 1}'
    stream = parse_stream(b'{"stream": "s", "architectures": {"x86_64": {"rhel-coreos-extensions": %s}}}' % old, subject="s")
    merged = merge_marketplace(stream, parse_marketplace(b'{"x86_64": {"azure": {"opp": {}}}}', subject="m")).stream
    assert tree_of(merged)["architectures"] == {"x86_64": {"rhel-coreos-extensions": {"marketplace": {"azure": {"opp": {}}}, "unknown": 1}}}


@pytest.mark.real_data
def test_published_files_merge_and_the_rest_of_the_stream_keeps_its_bytes(real_data: Path) -> None:
    content = (real_data / "streams/installer/coreos-rhel-9-98c7275538.json").read_bytes()
    marketplace = parse_marketplace((real_data / "streams/marketplace/marketplace-coreos-rhel-9-3ed9315bc6.json").read_bytes(), subject="m")
    merged = write_stream_document(merge_marketplace(parse_stream(content, subject="s"), marketplace).stream, like=content)
    tree = json.loads(merged)
    for name in ("aarch64", "x86_64"):
        assert tree["architectures"][name]["rhel-coreos-extensions"].pop("marketplace") == to_tree(marketplace[name])
    assert (json.dumps(tree, indent=2) + "\n").encode() == content
