"""Merging marketplace images into a stream: the laws, and the defect that upstream had."""

import json
from collections.abc import Mapping
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


@pytest.mark.parametrize("arch", ["ppc64le", "x86_64"])
def test_regression_upstream_crashed_or_lost_the_merge_where_an_architecture_has_no_extensions(arch: str) -> None:
    """Streams of CentOS Stream CoreOS, and ppc64le in every stream, have none."""
    stream = parse_stream(b'{"stream": "c10s", "architectures": {"%s": {"artifacts": {}, "images": {}}}}' % arch.encode(), subject="s")
    merged = merge_marketplace(stream, parse_marketplace(b'{"%s": {"azure": {"ocp": {}}}}' % arch.encode(), subject="m"))
    assert tree_of(merged.stream)["architectures"] == {
        arch: {"artifacts": {}, "images": {}, "rhel-coreos-extensions": {"marketplace": {"azure": {"ocp": {}}}}}
    }


def test_images_of_every_cloud_and_of_unknown_ones_survive() -> None:
    entry = {
        "aws": {"ocp": {"product": "59ead7de", "regions": {"us-east-1": {"release": "9.6.20260210-0", "image": "ami-1"}}}},
        "azure": {"ocp": {"hyperVGen2": {"publisher": "redhat", "offer": "o", "sku": "s", "version": "1.2.3", "more": 1}}},
        "gcp": {"ocp": {"project": "redhat-marketplace-public", "name": "redhat-coreos-ocp-413"}},
        "othercloud": [1],
    }
    stream = parse_stream(b'{"stream": "s", "architectures": {"x86_64": {}}}', subject="s")
    merged = merge_marketplace(stream, parse_marketplace(json.dumps({"x86_64": entry}).encode(), subject="m")).stream
    assert tree_of(merged)["architectures"] == {"x86_64": {"rhel-coreos-extensions": {"marketplace": entry}}}


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


def _in_order(tree: Mapping[str, object], *names: str) -> dict[str, object]:
    """The object with these keys first, the way a Go structure is written; the rest as it stands."""
    return {name: tree[name] for name in names if name in tree} | dict(tree)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("stream", "marketplace"),
    [
        ("coreos-rhel-9-98c7275538", "marketplace-coreos-rhel-9-3ed9315bc6"),
        ("rhcos-604a5a16e7", "marketplace-rhcos-963ac1dd66"),
        ("rhcos-3d75b33f8b", "marketplace-rhcos-963ac1dd66"),
        ("rhcos-28ce2c4d65", "marketplace-rhcos-963ac1dd66"),
    ],
)
def test_published_files_are_merged_in_the_bytes_of_the_installer_s_manifest_builder(
    real_data: Path, stream: str, marketplace: str
) -> None:
    """The expected bytes are made with nothing but the standard library and the key order of the Go structures."""
    content = (real_data / f"streams/installer/{stream}.json").read_bytes()
    sold = (real_data / f"streams/marketplace/{marketplace}.json").read_bytes()
    tree, entries = json.loads(content), json.loads(sold)
    for name, architecture in tree["architectures"].items():
        if name in entries:
            azure = {plan: _in_order(images, "hyperVGen1", "hyperVGen2") for plan, images in entries[name]["azure"].items()}
            plans = ("no-purchase-plan", "ocp", "opp", "oke", "ocp-emea", "opp-emea", "oke-emea")
            extensions = architecture.get("rhel-coreos-extensions", {}) | {"marketplace": {"azure": _in_order(azure, *plans)}}
            architecture["rhel-coreos-extensions"] = _in_order(extensions, "aws-winli", "azure-disk", "marketplace")
    built = json.dumps(tree, indent=2).encode()
    merged = merge_marketplace(parse_stream(content, subject="s"), parse_marketplace(sold, subject="m")).stream
    assert write_stream_document(merged, like=b'{\n  "a": 1\n}') == built
    assert write_stream_document(merged, like=content) == built + b"\n"
