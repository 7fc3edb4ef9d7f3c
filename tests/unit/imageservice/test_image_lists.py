"""The lists of an image service, as its environment says them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.imageservice.lists import (
    names_of,
    parse_local,
    parse_os_images,
    parse_release_images,
    parse_request_headers,
    parse_request_query,
)
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.osimage import FileOrigin, ImageType, PayloadOrigin, UrlOrigin, Wanted

SECRET = "s3cr3t"
ENTRY = {
    "openshift_version": "4.18",
    "cpu_architecture": "x86_64",
    "url": f"https://user:{SECRET}@host/rhcos-live.iso?token={SECRET}",
    "version": "418.94.202501221327-0",
}
RELEASE = {"openshift_version": "4.18", "cpu_architecture": "x86_64", "url": "quay.io/ocp/release:4.18.1-x86_64", "version": "4.18.1"}

versions = st.from_regex(r"[0-9]\.[0-9]{1,2}(\.[0-9]{1,3}(-(ec|rc)\.[0-9])?)?", fullmatch=True)
builds = st.from_regex(r"[0-9]{3}\.[0-9]{2}\.20[0-9]{10}-[0-9]|9\.[0-9]\.20[0-9]{6}-[0-9]", fullmatch=True)
entries = st.fixed_dictionaries(
    {
        "openshift_version": versions,
        "cpu_architecture": st.sampled_from(["x86_64", "arm64", "aarch64", "ppc64le", "s390x", "amd64"]),
        "url": st.from_regex(r"https://[a-z]{1,8}/[a-z.]{1,8}", fullmatch=True),
        "version": builds,
    },
    optional={
        "type": st.sampled_from(["full-iso", "disconnected-iso"]),
        "sha256": st.binary(min_size=32, max_size=32).map(bytes.hex),
        "signature": st.just("https://host/x.sig"),
        "rootfs_url": st.none() | st.integers() | st.lists(st.text()),
    },
)


def images(*entries: object) -> tuple[Wanted, ...]:
    return parse_os_images(json.dumps(entries), subject="OS_IMAGES")


def releases(*entries: object) -> tuple[Wanted, ...]:
    return parse_release_images(json.dumps(entries), subject="RELEASE_IMAGES")


@given(st.lists(entries, min_size=1, max_size=6))
def test_every_entry_becomes_one_image_in_its_order(told: list[dict[str, Any]]) -> None:
    found = images(*told)
    assert [wanted.openshift_version for wanted in found] == [entry["openshift_version"] for entry in told]
    for wanted, entry in zip(found, told, strict=True):
        assert isinstance(wanted.origin, UrlOrigin)
        assert (wanted.version, wanted.origin.url, wanted.origin.signature) == (entry["version"], entry["url"], entry.get("signature"))
        assert wanted.arch is Arch.parse(entry["cpu_architecture"])
        assert wanted.type.value == entry.get("type", "full-iso")
        assert wanted.origin.sha256 == (Digest.from_sha256(entry["sha256"]) if "sha256" in entry else None)


@given(st.lists(entries, min_size=1, max_size=4), st.data())
def test_an_entry_that_lacks_something_is_told_by_its_number_and_key(told: list[dict[str, Any]], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(told) - 1))
    key = data.draw(st.sampled_from(["openshift_version", "cpu_architecture", "url", "version"]))
    told[number] = {name: value for name, value in told[number].items() if name != key}
    with pytest.raises(InputError, match=rf"^OS_IMAGES: entry {number + 1}, {key}: "):
        images(*told)


def test_aarch64_and_arm64_are_one_architecture() -> None:
    assert images(ENTRY | {"cpu_architecture": "aarch64"}) == images(ENTRY | {"cpu_architecture": "arm64"})


def test_a_digest_may_have_its_algorithm_before_it() -> None:
    bare = "ab" * 32
    assert images(ENTRY | {"sha256": f"sha256:{bare}"}) == images(ENTRY | {"sha256": bare})


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_type_is_a_full_iso(value: str | None) -> None:
    assert images(ENTRY | {"type": value})[0].type is ImageType.FULL


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"openshift_version": 4.18}, "openshift_version: a text is wanted"),
        ({"url": None}, "url: the key is missing or empty"),
        ({"version": " "}, "version: the key is missing or empty"),
        ({"version": "../../etc/passwd"}, "version: '../../etc/passwd' is no version"),
        ({"cpu_architecture": "multi"}, "cpu_architecture: unknown architecture 'multi'"),
        ({"type": "minimal-iso"}, "type: 'minimal-iso' is no type of ISO"),
        ({"sha256": "sha256:12"}, "sha256: this is no SHA-256"),
        ({"signature": ["https://x"]}, "signature: a text is wanted"),
    ],
)
def test_a_wrong_value_is_told_with_its_place_and_what_to_do(change: dict[str, object], told: str) -> None:
    with pytest.raises(InputError) as raised:
        images(ENTRY, ENTRY | change)
    assert str(raised.value) == f"OS_IMAGES: entry 2, {told}"
    assert raised.value.hint


@pytest.mark.parametrize("text", ["[]", "{}", "", "[1]", "[", "null", '"x"'])
def test_what_is_no_list_of_images_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^OS_IMAGES: "):
        parse_os_images(text, subject="OS_IMAGES")


@pytest.mark.parametrize("change", [{"url": [f"https://h/?t={SECRET}"]}, {"signature": {SECRET: 1}}, {"version": None}, {"sha256": SECRET}])
def test_no_error_tells_the_secret_of_an_address(change: dict[str, object]) -> None:
    with pytest.raises(InputError) as raised:
        images(ENTRY | change)
    assert SECRET not in f"{raised.value} {raised.value.hint}"


def test_no_secret_of_an_address_is_shown_with_an_image() -> None:
    assert SECRET not in repr(images(ENTRY))


def test_a_bad_address_costs_its_image_alone() -> None:
    assert len(images(ENTRY, ENTRY | {"url": "ftp//nonsense"})) == 2


def test_the_list_of_architectures_wins_over_the_older_key() -> None:
    found = releases(RELEASE | {"cpu_architectures": ["arm64", "s390x", "aarch64"]})
    assert [wanted.arch for wanted in found] == [Arch.AARCH64, Arch.S390X]
    assert {wanted.origin for wanted in found} == {PayloadOrigin("quay.io/ocp/release:4.18.1-x86_64", "4.18.1")}


@pytest.mark.parametrize("told", [{"cpu_architecture": "multi"}, {"cpu_architectures": ["multi"]}, {"cpu_architectures": []}])
def test_multi_is_every_architecture(told: dict[str, object]) -> None:
    wanted = [Arch.X86_64] if told.get("cpu_architectures") == [] else list(Arch)
    assert [one.arch for one in releases(RELEASE | told)] == wanted


def test_a_release_needs_an_architecture() -> None:
    entry = {key: value for key, value in RELEASE.items() if key != "cpu_architecture"}
    with pytest.raises(InputError, match=r"^RELEASE_IMAGES: entry 1, cpu_architecture: the key is missing"):
        releases(entry)


@pytest.mark.parametrize("value", ["x86_64", [1], {"x86_64": 1}])
def test_architectures_that_are_no_list_of_texts_are_refused(value: object) -> None:
    with pytest.raises(InputError, match="entry 1, cpu_architectures: a list of texts is wanted"):
        releases(RELEASE | {"cpu_architectures": value})


def test_an_image_of_a_multi_release_goes_by_its_plain_versions_too() -> None:
    entry = {"openshift_version": "4.18-multi", "version": "4.18.1-multi", "cpu_architectures": ["s390x"], "url": "r/x:4.18.1-multi"}
    assert names_of(releases(entry)[0]) == ("4.18-multi", "4.18.1-multi", "4.18", "4.18.1")


def test_a_local_image_has_a_version_an_architecture_and_a_path() -> None:
    assert parse_local("4.18:arm64=/a=b/c:d.iso") == Wanted("4.18", Arch.AARCH64, FileOrigin("/a=b/c:d.iso"))


@pytest.mark.parametrize("text", ["", "/x.iso", "4.18=/x.iso", "4.18:x86_64", "4.18:x86_64=", ":x86_64=/x", "4.18:vax=/x", "a/b:x86_64=/x"])
def test_what_names_no_local_image_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_local(text)


def test_headers_and_parameters_are_objects_of_texts() -> None:
    assert parse_request_headers('{"X-Token": "a b"}', subject="H") == {"X-Token": "a b"}
    assert parse_request_query('{"sig": "ä&="}', subject="Q") == {"sig": "ä&="}
    assert parse_request_headers(" ", subject="H") == {}


@pytest.mark.parametrize(
    "text", [SECRET, f'{{"a": {SECRET}}}', f'["{SECRET}"]', f'{{"a": ["{SECRET}"]}}', f'{{"a": "{SECRET}\\r\\nB: c"}}']
)
def test_no_error_tells_the_secret_of_a_header(text: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_request_headers(text, subject="OS_IMAGES_REQUEST_HEADERS")
    assert SECRET not in f"{raised.value} {raised.value.hint}"


def test_a_header_whose_name_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="'a b' cannot be sent"):
        parse_request_headers('{"a b": "c"}', subject="OS_IMAGES_REQUEST_HEADERS")
