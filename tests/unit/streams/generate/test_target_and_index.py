"""Editing the documents that collect: a stream file and the index of releases."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode, to_tree
from penstock.model.coreos_release import CoreosRelease, IndexRelease, ReleaseIndex
from penstock.model.errors import InputError
from penstock.model.stream import Stream
from penstock.streams.generate.index import appended, entry_of, newest_release
from penstock.streams.generate.target import edited

MakeStream = Callable[..., Stream]
NOW = "2026-01-01T00:00:00Z"
BUILDS = st.dictionaries(st.sampled_from(["x86_64", "aarch64", "s390x"]), st.sampled_from(["9.6.20250826-1", "9.8.20260428-0"]))


def plain(name: str, builds: Mapping[str, str], last_modified: str) -> Stream:
    architectures = {arch: {"artifacts": {"qemu": {"release": build}}, "images": {}} for arch, build in builds.items()}
    tree: Any = {"stream": name, "metadata": {"last-modified": last_modified}, "architectures": architectures, "unknown": 1}
    return decode(tree, Stream, subject="s")


@given(BUILDS, BUILDS)
def test_listed_architectures_equal_fresh_ones_and_the_others_stay(old: dict[str, str], new: dict[str, str]) -> None:
    before, fresh = plain("a", old, "then"), plain("a", new, "now")
    after = edited(before, fresh).stream

    assert after.architectures == {**before.architectures, **fresh.architectures}
    assert after.extra == before.extra


@given(BUILDS, BUILDS)
def test_editing_twice_is_editing_once(old: dict[str, str], new: dict[str, str]) -> None:
    once = edited(plain("a", old, "then"), plain("b", new, "now")).stream
    assert edited(once, plain("b", new, "later")).stream is once


def test_the_time_is_refreshed_where_something_changes_and_not_otherwise(stream: MakeStream) -> None:
    old = stream("a", {"x86_64": "1"}, last_modified="then")

    assert edited(old, stream("a", {"x86_64": "1"}, last_modified=NOW)).stream is old
    tree: Any = to_tree(edited(old, stream("a", {"x86_64": "2"}, last_modified=NOW)).stream)
    assert tree["metadata"] == {"last-modified": NOW}


def test_architectures_that_stay_at_another_build_are_told(stream: MakeStream) -> None:
    """Upstream is silent, and files mix builds for months."""
    remarks = edited(stream("a", {"x86_64": "1", "s390x": "1", "aarch64": "2"}), stream("a", {"x86_64": "2"})).remarks

    assert remarks == ("warning: s390x stays at 1, the new builds are 2",)


def test_a_lower_build_goes_in_like_any_other(stream: MakeStream) -> None:
    after = edited(stream("a", {"x86_64": "9.6.20251113-0"}), stream("a", {"x86_64": "9.6.20251023-0"})).stream
    tree: Any = to_tree(after)
    assert tree["architectures"]["x86_64"]["artifacts"]["qemu"]["release"] == "9.6.20251023-0"


def test_marketplace_images_that_go_with_the_architecture_are_told(stream: MakeStream) -> None:
    tree: Any = to_tree(stream("a", {"x86_64": "1"}))
    tree["architectures"]["x86_64"]["rhel-coreos-extensions"] = {"marketplace": {"azure": {"ocp": {}}}}
    remarks = edited(decode(tree, Stream, subject="s"), stream("b", {"x86_64": "2"})).remarks

    assert remarks == (
        "note: the stream was called a and is now b",
        "warning: x86_64 loses its marketplace images; put them in again with: penstock streams merge",
    )


def release(version: str, arches: Mapping[str, str] | None = None) -> CoreosRelease:
    architectures: Any = {arch: {"commit": commit, "media": {}} for arch, commit in (arches or {"x86_64": "0"}).items()}
    return decode({"release": version, "stream": "stable", "architectures": architectures}, CoreosRelease, subject="r")


def entry(version: str, **arches: str) -> IndexRelease:
    return entry_of(release(version, arches or None), f"https://e.example/{version}/release.json")


def put(index: ReleaseIndex | None, one: IndexRelease) -> ReleaseIndex:
    return appended(index, one, stream="stable", last_modified=NOW, subject="releases.json").index


def test_an_entry_has_commits_and_container_images_by_architecture() -> None:
    tree: Any = to_tree(release("R", {"x86_64": "1", "aarch64": "2"}))
    tree["architectures"]["x86_64"]["oci-image"] = {"image": "i:t", "digest-ref": "i@d"}
    del tree["architectures"]["aarch64"]["commit"]

    assert to_tree(entry_of(decode(tree, CoreosRelease, subject="r"), "https://e.example/r")) == {
        "commits": [{"architecture": "x86_64", "checksum": "1"}],
        "oci-images": [{"architecture": "x86_64", "image": "i:t", "digest-ref": "i@d"}],
        "version": "R",
        "metadata": "https://e.example/r",
    }


VERSIONS = [f"44.2026{month:02}07.3.{revision}" for month in range(1, 5) for revision in range(2)]


@given(st.permutations(VERSIONS))
def test_releases_are_ascending_in_whatever_order_they_came(versions: list[str]) -> None:
    index: ReleaseIndex | None = None
    for version in versions:
        index = put(index, entry(version))

    assert index is not None
    assert [one.version for one in index.releases] == VERSIONS


def test_a_release_of_no_known_version_goes_to_the_end_and_others_keep_their_places() -> None:
    index = decode(
        {"stream": "stable", "releases": [{"version": version, "metadata": "u"} for version in ("b", "44.20260407.3.0", "a")]},
        ReleaseIndex,
        subject="i",
    )
    assert [one.version for one in put(index, entry("44.20260107.3.0")).releases] == ["b", "44.20260407.3.0", "a", "44.20260107.3.0"]


def test_the_same_version_is_replaced_in_its_place_and_keeps_unknown_keys() -> None:
    index = put(put(None, entry("44.20260107.3.0")), entry("44.20260207.3.0"))
    index = index.with_fields(releases=[index.releases[0].with_fields(extra={"note": 1}), index.releases[1]])
    after = put(index, entry("44.20260107.3.0", x86_64="9", aarch64="8"))

    first: Any = to_tree(after.releases[0])
    assert [one["checksum"] for one in first["commits"]] == ["8", "9"]
    assert first["note"] == 1
    assert len(after.releases) == 2


def test_architectures_that_leave_the_index_are_told() -> None:
    index = put(None, entry("44.20260107.3.0", x86_64="1", aarch64="2"))
    found = appended(index, entry("44.20260107.3.0", x86_64="1"), stream="stable", last_modified=NOW, subject="i")

    assert found.remarks == ("warning: 44.20260107.3.0 no longer has aarch64 in the index",)


def test_the_same_entry_again_changes_nothing() -> None:
    index = put(None, entry("44.20260107.3.0"))
    assert appended(index, entry("44.20260107.3.0"), stream="stable", last_modified="later", subject="i").index is index


def test_the_index_of_another_stream_is_refused() -> None:
    with pytest.raises(InputError, match="this is the index of stable, and the release is of next"):
        appended(put(None, entry("44.20260107.3.0")), entry("44.20260107.1.0"), stream="next", last_modified=NOW, subject="i")


def test_the_newest_release_is_the_last_one_and_an_empty_index_has_none() -> None:
    index = put(put(None, entry("44.20260107.3.0")), entry("44.20260207.3.0"))

    assert newest_release(index, subject="i").version == "44.20260207.3.0"
    with pytest.raises(InputError, match="no release available to process"):
        newest_release(index.with_fields(releases=[]), subject="i")
