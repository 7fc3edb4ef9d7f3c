"""Which entry of which list wins."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.imageservice.wanted import came_for, line_of, openshift_order, resolve, why_no_payload
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.osimage import FileOrigin, ImageRecord, ImageType, PayloadOrigin, PayloadSteps, StoredImage, UrlOrigin, Wanted

ListedOne = Callable[..., Wanted]

LINES = ["4.9", "4.10", "4.11", "4.18", "4.19"]
BUILDS = st.sampled_from(["410.84.202201010000-0", "418.94.202501221327-0", "9.6.20250826-1"])
ARCHS = st.sampled_from([Arch.X86_64, Arch.AARCH64])


def listed_one(version: str, arch: Arch, image_type: ImageType, build: str, number: int) -> Wanted:
    return Wanted(version, arch, UrlOrigin(f"https://mirror.example.com/{number}.iso"), image_type, build)


def release_one(line: str, patch: int, arch: Arch, suffix: str) -> Wanted:
    origin = PayloadOrigin(f"example.com/release:{line}.{patch}{suffix}", f"{line}.{patch}{suffix}")
    return Wanted(f"{line}{suffix}", arch, origin)


VERSIONS = st.sampled_from([*LINES, "4.18.1", "4.10.3"])
OS_IMAGES = st.lists(
    st.builds(listed_one, VERSIONS, ARCHS, st.sampled_from([ImageType.FULL, ImageType.DISCONNECTED]), BUILDS, st.integers(0, 5)),
    max_size=8,
)
RELEASES = st.lists(st.builds(release_one, st.sampled_from(LINES), st.integers(0, 2), ARCHS, st.sampled_from(["", "-multi"])), max_size=6)
LOCAL = st.lists(st.builds(lambda line, arch: Wanted(line, arch, FileOrigin(f"/{line}.iso")), st.sampled_from(LINES), ARCHS), max_size=2)


def test_a_payload_takes_the_place_of_the_entry_for_its_line(listed: ListedOne, released: ListedOne) -> None:
    entry, payload = listed("4.18"), released("4.18.1")
    assert resolve([entry], [payload]) == (replace(payload, fallback=entry),)


def test_the_entry_for_the_release_itself_is_the_nearer_one(listed: ListedOne, released: ListedOne) -> None:
    line, exact = listed("4.18", "418.1-0"), listed("4.18.1", "418.2-0")
    assert resolve([line, exact], [released("4.18.1")]) == (replace(released("4.18.1"), fallback=exact),)


def test_the_entry_of_a_line_stays_where_a_payload_goes_by_its_release_alone_and_has_an_entry_for_that(
    listed: ListedOne, released: ListedOne
) -> None:
    line, exact = listed("4.18", "418.1-0"), listed("4.18.1", "418.2-0")
    payload = released("4.18.1", line="4.18.1")
    assert resolve([line, exact], [payload]) == (replace(payload, fallback=exact), line)


def test_a_payload_that_is_listed_for_two_versions_is_wanted_for_both(released: ListedOne) -> None:
    both = (released("4.18.1", line="4.18"), released("4.18.1", line="4.18-candidate"))
    assert resolve([], both) == both


def test_an_entry_for_another_release_of_the_line_stays(listed: ListedOne, released: ListedOne) -> None:
    other = listed("4.18.7")
    assert resolve([other], [released("4.18.1")]) == (released("4.18.1"), other)


def test_a_multi_payload_takes_the_place_of_each_architectures_entry(listed: ListedOne, released: ListedOne) -> None:
    entries = [listed("4.18", arch=arch) for arch in (Arch.X86_64, Arch.AARCH64)]
    payloads = [released("4.18.1-multi", arch, line="4.18-multi") for arch in Arch]
    found = resolve(entries, payloads)
    assert [wanted.arch for wanted in found] == list(Arch)
    assert [wanted.fallback for wanted in found] == [*entries, None, None]


def test_a_disconnected_iso_is_no_payloads(listed: ListedOne, released: ListedOne) -> None:
    entry = listed("4.18", image_type=ImageType.DISCONNECTED)
    assert resolve([entry], [released("4.18.1")]) == (released("4.18.1"), entry)


def test_a_payload_without_images_is_left_to_its_entry(listed: ListedOne, released: ListedOne) -> None:
    entry = listed("4.10")
    assert resolve([entry], [released("4.10.3")]) == (entry,)


def test_a_payload_without_images_and_without_an_entry_says_why_it_is_not_served(released: ListedOne) -> None:
    (found,) = resolve([], [released("4.10.3")])
    assert why_no_payload(found) == "payloads before 4.11 hold no ISO, and OS_IMAGES has no entry for 4.10 on this architecture"


@pytest.mark.parametrize("version", ["4.11.0", "4.11.0-rc.1", "5.0.1", "4.100.0", "somebody's own"])
def test_later_payloads_and_those_of_unknown_versions_are_looked_into(version: str, released: ListedOne) -> None:
    assert why_no_payload(released(version)) == ""


def test_of_one_build_the_highest_version_of_openshift_stays(listed: ListedOne) -> None:
    assert resolve([listed("4.9"), listed("4.10"), listed("4.8")], []) == (listed("4.10"),)


def test_a_local_iso_takes_the_place_of_the_lists(listed: ListedOne, released: ListedOne) -> None:
    local = Wanted("4.18", Arch.X86_64, FileOrigin("/images/own.iso"))
    assert resolve([listed("4.18")], [released("4.18.1")], [local]) == (local,)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("4.9", "4.10"), ("4.18.0-ec.1", "4.18"), ("4.18", "4.18.1"), ("4.18-multi", "4.19"), ("unknown", "4.1"), ("4.18.1-rc.1", "4.18.1")],
)
def test_versions_are_ordered_by_what_they_say(lower: str, higher: str) -> None:
    assert openshift_order(lower) < openshift_order(higher)


@pytest.mark.parametrize(("text", "line"), [("4.18", "4.18"), ("4.18-multi", "4.18"), ("4.18.0-ec.1", "4.18"), ("4", None), ("4.1x", None)])
def test_the_line_of_a_version_is_its_first_two_numbers(text: str, line: str | None) -> None:
    assert (str(line_of(text)) if line_of(text) else None) == line


@given(OS_IMAGES, RELEASES, LOCAL)
def test_nothing_is_wanted_twice_and_nothing_that_no_list_has(os_images: list[Wanted], releases: list[Wanted], local: list[Wanted]) -> None:
    found = resolve(os_images, releases, local)
    builds = [(wanted.version, wanted.arch, wanted.type) for wanted in found if wanted.version]
    assert len(builds) == len(set(builds))
    assert len(found) == len(set(found))
    assert {replace(wanted, fallback=None) for wanted in found} <= {*os_images, *releases, *local}
    assert {wanted.fallback for wanted in found} - {None} <= set(os_images)


@given(OS_IMAGES, RELEASES)
def test_every_build_of_the_list_is_wanted_or_stands_behind_a_payload(os_images: list[Wanted], releases: list[Wanted]) -> None:
    found = resolve(os_images, releases)
    served = {(wanted.version, wanted.arch, wanted.type) for one in found for wanted in (one, one.fallback) if wanted}
    displaced = {(one.openshift_version.removesuffix("-multi"), one.arch) for one in releases if not why_no_payload(one)}
    for entry in os_images:
        build = (entry.version, entry.arch, entry.type)
        # Of the entries for one build the highest stays, and that one may be displaced.
        lines = {str(line_of(other.openshift_version)) for other in os_images if (other.version, other.arch, other.type) == build}
        assert build in served or any((line, entry.arch) in displaced for line in lines)


@given(OS_IMAGES, RELEASES)
def test_no_entry_is_wanted_beside_the_payload_that_it_stands_behind(os_images: list[Wanted], releases: list[Wanted]) -> None:
    found = resolve(os_images, releases)
    assert not {wanted.fallback for wanted in found} & set(found)


@given(OS_IMAGES, RELEASES, LOCAL)
def test_what_was_resolved_stays_as_it_is(os_images: list[Wanted], releases: list[Wanted], local: list[Wanted]) -> None:
    found = resolve(os_images, releases, local)
    by_origin = [[wanted for wanted in found if isinstance(wanted.origin, kind)] for kind in (UrlOrigin, PayloadOrigin, FileOrigin)]
    again = resolve(*by_origin)
    assert [wanted.name for wanted in again] == [wanted.name for wanted in found]


def stored(wanted: Wanted, *, release: str | None = None, content: bytes = b"") -> StoredImage:
    digest = Digest.of(content)
    steps = PayloadSteps(release, digest, "image", digest, digest, "coreos/coreos-x86_64.iso") if release else None
    record = ImageRecord(wanted.openshift_version, wanted.version or "build", wanted.arch, wanted.type, "key", steps=steps)
    return StoredImage(record, digest, len(content), 0)


def test_an_image_of_other_bytes_than_a_list_says_did_not_come_for_it(listed: ListedOne) -> None:
    wanted = replace(listed(), origin=UrlOrigin("https://mirror.example.com/a.iso", Digest.of(b"these")))
    assert came_for(stored(wanted, content=b"these"), wanted)
    assert not came_for(stored(wanted, content=b"others"), wanted)


def test_an_image_came_for_the_payload_that_it_was_taken_from(released: ListedOne) -> None:
    wanted = released("4.17.3")
    assert came_for(stored(wanted, release="example.com/ocp/release:4.17.3"), wanted)
    assert not came_for(stored(wanted, release="example.com/ocp/release:4.17.4"), wanted)
    assert not came_for(stored(wanted), wanted)


def test_an_image_for_another_architecture_or_of_another_type_came_for_something_else(listed: ListedOne) -> None:
    wanted = listed()
    assert not came_for(stored(replace(wanted, arch=Arch.S390X)), wanted)
    assert not came_for(stored(replace(wanted, type=ImageType.DISCONNECTED)), wanted)
