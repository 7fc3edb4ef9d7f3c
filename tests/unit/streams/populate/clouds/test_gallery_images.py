import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.stream import parse_stream, write_stream_document
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.stream import AzureGalleryImage
from penstock.model.versions.coreos import parse_version
from penstock.ports import AzureCatalogue
from penstock.streams.populate.entries import Finding, Rule
from penstock.streams.populate.gallery import (
    GalleryAddress,
    find_gallery,
    gallery_version_of,
    parse_gallery_address,
    parse_gallery_id,
)
from penstock.streams.populate.placing import put_into_images
from penstock.streams.populate.request import Choice

Make = Callable[..., Any]
_GALLERY, _IMAGE = "okd-6c1f2b9a", "scos-x64"
_ADDRESSES = {Arch.X86_64: GalleryAddress(_GALLERY, _IMAGE)}
_PARTS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True)
_VERSIONS = st.just("latest") | st.tuples(*[st.integers(0, 10**9)] * 3).map(lambda three: ".".join(map(str, three)))


@pytest.fixture
def publish(publish_version: Make) -> Callable[..., None]:
    """Publish a version of the one image, with the build in its tag."""

    def put(version: str, real: str = "", tag: str = "real_version", **more: object) -> None:
        publish_version(_ADDRESSES[Arch.X86_64], version, {tag: real} if real else {}, **more)

    return put


@pytest.fixture
def find(azure: AzureCatalogue, make_stream: Make, make_request: Make) -> Callable[..., Finding]:
    """The one finding for x86_64, in the gallery that is named."""

    def look(build: str, *, named: bool = True, images: Mapping[str, object] | None = None, **fields: object) -> Finding:
        distribution = "fedora-coreos" if build.count(".") == 3 else "scos"
        request = make_request(make_stream(build, distribution=distribution, images=images), **fields)
        (finding,) = asyncio.run(find_gallery(azure, request, galleries=_ADDRESSES if named else None))
        return finding

    return look


@pytest.mark.parametrize(
    ("text", "image"),
    [
        (
            "/CommunityGalleries/okd-6c1f2b9a/Images/scos-x64/Versions/latest",
            AzureGalleryImage(gallery="okd-6c1f2b9a", image="scos-x64", version="latest"),
        ),
        (
            "/communitygalleries/okd-6c1f2b9a/images/scos-x64/versions/10.0.20250628",
            AzureGalleryImage(gallery="okd-6c1f2b9a", image="scos-x64", version="10.0.20250628"),
        ),
        (
            "/resourceGroups/okd-images/providers/Microsoft.Compute/galleries/gallery_okd/images/scos/versions/latest",
            AzureGalleryImage(resource_group="okd-images", gallery="gallery_okd", image="scos", version="latest"),
        ),
        (
            "/resourceGroups/okd-images/providers/Microsoft.Compute/galleries/gallery_okd/images/scos-gen2",
            AzureGalleryImage(resource_group="okd-images", gallery="gallery_okd", image="scos-gen2", version="latest"),
        ),
    ],
)
def test_an_id_is_read_into_its_parts(text: str, image: AzureGalleryImage) -> None:
    assert parse_gallery_id(text) == image


@given(_PARTS, _PARTS, _VERSIONS, st.none() | _PARTS)
def test_the_id_of_an_image_is_read_back_as_the_image(gallery: str, image: str, version: str, group: str | None) -> None:
    whole = AzureGalleryImage(gallery=gallery, image=image, version=version)
    whole = whole.with_fields(resource_group=group) if group else whole
    assert parse_gallery_id(whole.id) == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scos",
        "azureopenshift:aro4:420-v2:9.6.20251015",
        "/CommunityGalleries/okd/Images/scos/Versions/newest",
        "/CommunityGalleries/okd/Images/scos/Versions/10.0",
        "/CommunityGalleries//Images/scos/Versions/latest",
        "/CommunityGalleries/okd/Images/../Versions/latest",
        "/subscriptions/0000/resourceGroups/g/providers/Microsoft.Compute/galleries/a/images/b/versions/latest",
    ],
)
def test_another_text_is_an_error_with_a_hint(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_gallery_id(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("build", "version"),
    [
        ("42.20250526.2.1", "42.20250526.1"),
        ("10.0.20250628-0", "10.0.20250628"),
        ("418.94.202410090804-0", "418.94.20241009"),
        ("42.20250526.dev.1", None),
    ],
)
def test_a_build_is_called_so_in_a_gallery(build: str, version: str | None) -> None:
    assert gallery_version_of(parse_version(build)) == version


def test_the_version_of_the_streams_build_is_exact_and_written_in_its_parts(publish: Make, find: Make) -> None:
    publish("10.0.20250601")
    publish("10.0.20250628")
    finding = find("10.0.20250628-0")
    assert finding.rule is Rule.EXACT
    assert finding.image == AzureGalleryImage(release="10.0.20250628-0", gallery=_GALLERY, image=_IMAGE, version="10.0.20250628")


def test_a_tag_goes_before_the_number(publish: Make, find: Make) -> None:
    # 42.20250526.2.1 (testing) and 42.20250526.3.1 (stable) have the same number in a gallery.
    publish("42.20250526.1", real="42.20250526.2.1")
    publish("42.20250510.0", real="42.20250510.3.0")
    finding = find("42.20250526.3.1")
    assert (finding.rule, finding.release) == (Rule.BEHIND, "42.20250510.3.0")


def test_a_tag_tells_the_build_whatever_its_name_is_spelled_like(publish: Make, find: Make) -> None:
    publish("42.20250526.1", real="42.20250526.3.1", tag="Real_Version")
    assert find("42.20250526.3.1").rule is Rule.EXACT


def test_builds_of_fedora_of_one_day_are_told_apart(publish: Make, find: Make) -> None:
    publish("42.20250526.0")
    publish("42.20250526.2")
    finding = find("42.20250526.3.1")
    assert (finding.rule, finding.key) == (Rule.BEHIND, f"/CommunityGalleries/{_GALLERY}/Images/{_IMAGE}/Versions/42.20250526.0")


@pytest.mark.parametrize("choice", Choice)
def test_another_release_of_fedora_is_never_taken(choice: Choice, publish: Make, find: Make) -> None:
    publish("41.20250526.1")
    assert find("42.20250526.3.1", choice=choice).rule is Rule.UNFIT


@pytest.mark.parametrize("flaw", ["excluded", "ended"])
def test_a_version_that_latest_would_not_mean_is_passed_over(
    flaw: str, publish: Make, find: Make, make_request: Make, make_stream: Make
) -> None:
    now = make_request(make_stream()).now
    more = {"excluded_from_latest": True} if flaw == "excluded" else {"end_of_life": now - timedelta(days=1)}
    publish("10.0.20250628", **more)
    publish("10.0.20250601", end_of_life=now + timedelta(days=1))
    assert find("10.0.20250628-0").rule is Rule.BEHIND


@pytest.mark.parametrize(
    "entry",
    [
        f"/CommunityGalleries/{_GALLERY}/Images/{_IMAGE}/Versions/latest",
        {"gallery": _GALLERY, "image": _IMAGE, "version": "latest"},
    ],
)
def test_the_streams_own_entry_in_either_form_tells_where_to_look(entry: object, publish: Make, find: Make) -> None:
    publish("10.0.20250628")
    finding = find("10.0.20250628-0", named=False, images={"azure-community": entry})
    assert finding.key == f"/CommunityGalleries/{_GALLERY}/Images/{_IMAGE}/Versions/10.0.20250628"


def test_the_gallery_of_a_resource_group_is_not_asked_and_stays(find: Make) -> None:
    entry = "/resourceGroups/okd/providers/Microsoft.Compute/galleries/gallery_okd/images/scos/versions/latest"
    finding = find("10.0.20250628-0", named=False, images={"azure-community": entry})
    assert (finding.rule, finding.key) == (Rule.KEPT, entry)


def test_without_any_gallery_it_is_an_error(find: Make) -> None:
    with pytest.raises(InputError, match="no community gallery is known"):
        find("10.0.20250628-0", named=False)


def test_a_gallery_that_is_gone_prunes_only_the_entry_that_points_to_it(find: Make) -> None:
    mine = {"azure-community": {"gallery": _GALLERY, "image": _IMAGE, "version": "10.0.20250601"}}
    other = {"azure-community": {"gallery": "another", "image": _IMAGE, "version": "10.0.20250601"}}
    assert find("10.0.20250628-0", images=mine, prune=True).rule is Rule.PRUNED
    assert find("10.0.20250628-0", images=other, prune=True).rule is Rule.KEPT
    assert find("10.0.20250628-0", images=mine).rule is Rule.KEPT


def test_an_option_names_architecture_gallery_and_image() -> None:
    assert parse_gallery_address("arm64=okd-1/scos") == (Arch.AARCH64, GalleryAddress("okd-1", "scos"))
    for text in ("okd-1/scos", "x86_64=okd-1", "mips=a/b", "x86_64=a/b/c"):
        with pytest.raises(InputError):
            parse_gallery_address(text)


def test_what_is_written_a_strict_reader_of_upstreams_keys_still_reads(publish: Make, find: Make, make_stream: Make) -> None:
    class UpstreamImages(msgspec.Struct):
        aws: dict[str, Any] | None = None
        gcp: dict[str, Any] | None = None

    class UpstreamArch(msgspec.Struct):
        artifacts: dict[str, Any]
        images: UpstreamImages

    class UpstreamStream(msgspec.Struct):
        stream: str
        metadata: dict[str, str]
        architectures: dict[str, UpstreamArch]

    publish("10.0.20250628")
    stream = put_into_images(make_stream("10.0.20250628-0", distribution="scos"), find("10.0.20250628-0"))
    written = write_stream_document(stream, like=b"{\n  \n}\n")
    read = msgspec.json.decode(written, type=UpstreamStream)
    assert read.architectures["x86_64"].images == UpstreamImages()
    entry = json.loads(written)["architectures"]["x86_64"]["images"]["azure-community"]
    assert entry == {"release": "10.0.20250628-0", "gallery": _GALLERY, "image": _IMAGE, "version": "10.0.20250628"}
    assert write_stream_document(parse_stream(written, subject="stream"), like=written) == written


def test_an_entry_that_is_no_id_is_told_with_its_place(find: Callable[..., Finding]) -> None:
    with pytest.raises(InputError) as caught:
        find("10.0.20250628-0", named=False, images={"azure-community": "/subscriptions/0000/x"})
    assert caught.value.subject.endswith("x86_64")
