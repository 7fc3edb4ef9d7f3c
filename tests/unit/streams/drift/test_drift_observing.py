"""Every place of a stream has exactly one status."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode
from penstock.formats.stream import parse_marketplace, parse_stream
from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.marketplace import Generation, MarketplaceFile, PurchasePlan
from penstock.model.stream import Stream
from penstock.streams.drift.observing import Fallbacks, observe, unknown_architectures
from penstock.streams.drift.statuses import DriftStatus, Observation
from penstock.streams.merging import merge_marketplace
from penstock.streams.populate.entries import Place, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.streams.drift.conftest import Build

NO_PLAN, OCP, OPP = PurchasePlan.NO_PURCHASE_PLAN, PurchasePlan.OCP, PurchasePlan.OPP
AMI = "ami-0123456789abcdef0"


def slots_of(seen: Observation) -> "Iterator[Slot]":
    """The single places that an observation covers: one for each region, else one."""
    for region in seen.regions or (None,):
        yield replace(seen.slot, region=region)


def only(observations: tuple[Observation, ...], **wanted: object) -> Observation:
    found = [seen for seen in observations if all(getattr(seen.slot, name) == value for name, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def test_x86_64_has_fourteen_places_in_azure_and_aarch64_one(build: "type[Build]") -> None:
    seen = observe(build.stream(x86_64=build.arch("9.6.20250826-1"), aarch64=build.arch("9.6.20250826-1")))
    assert [one.slot.arch for one in seen] == [Arch.X86_64] * 14 + [Arch.AARCH64]
    assert {one.status for one in seen} == {DriftStatus.MISSING}
    assert {one.publisher for one in seen} == {"azureopenshift", "redhat", "redhat-limited"}


def test_the_first_generation_ends_with_rhel_10(build: "type[Build]") -> None:
    seen = observe(build.stream(x86_64=build.arch("10.2.20260423-0")))
    assert {one.slot.generation for one in seen} == {Generation.GEN2}


def test_the_first_generation_ends_with_the_series_of_openshift_5(build: "type[Build]") -> None:
    """The stream of RHEL 9 in a release of 5.0 has images of its series, and they have no first generation."""
    image = {"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_5-0_x64_gen2", "version": "9.8.20260428"}
    marketplace = {"azure": {"no-purchase-plan": {"hyperVGen2": image}}}
    seen = observe(build.stream(x86_64=build.arch("9.8.20260428-0", marketplace)))
    assert {one.slot.generation for one in seen if one.slot.plan is not None} == {Generation.GEN2}


@pytest.mark.parametrize("arch", ["ppc64le", "s390x"])
def test_architectures_without_marketplaces_miss_nothing(build: "type[Build]", arch: str) -> None:
    assert observe(build.stream(**{arch: build.arch("9.6.20250826-1")})) == ()


def test_fedora_misses_nothing(build: "type[Build]") -> None:
    assert observe(build.stream(x86_64=build.arch("42.20250526.3.0"))) == ()


def test_centos_stream_misses_nothing(build: "type[Build]") -> None:
    arch = build.arch("10.0.20250628-0")
    disk = {"location": "https://disks.example/scos-10.0.20250628-0-metal.x86_64.raw.gz", "sha256": "0" * 64}
    arch["artifacts"]["metal"]["formats"] = {"raw.gz": {"disk": disk}}
    assert observe(build.stream(x86_64=arch)) == ()


def test_a_stream_without_azure_misses_nothing_there(build: "type[Build]") -> None:
    arch = build.arch("411.85.202203181601-0")
    del arch["artifacts"]["azure"], arch["rhel-coreos-extensions"]
    assert observe(build.stream(aarch64=arch)) == ()


def test_empty_objects_mean_what_absent_ones_mean(build: "type[Build]") -> None:
    empty = {"no-purchase-plan": {}, "ocp": {"hyperVGen1": {"publisher": "", "offer": "", "sku": "", "version": ""}}}
    seen = observe(build.stream(x86_64=build.arch("9.6.20250826-1", {"azure": empty})))
    assert {one.status for one in seen} == {DriftStatus.MISSING}


def test_each_architecture_is_held_to_its_own_build(build: "type[Build]") -> None:
    """A stream may mix builds: aarch64 of 410.84 in one of 4.11."""
    stream = build.stream(
        x86_64=build.arch("9.6.20251023-0", {"azure": build.azure({NO_PLAN: "9.6.20251015"})}),
        aarch64=build.arch("9.6.20251015-0", {"azure": build.azure({NO_PLAN: "9.6.20251015"}, arch=Arch.AARCH64)}),
    )
    seen = observe(stream)
    assert only(seen, arch=Arch.X86_64, plan=NO_PLAN, generation=Generation.GEN2).days == 8
    assert only(seen, arch=Arch.AARCH64).status is DriftStatus.EXACT


def test_the_name_of_the_stream_says_nothing(build: "type[Build]") -> None:
    stream = build.x86("9.8.20260428-0", {NO_PLAN: "9.8.20260428"}).with_fields(stream="rhcos-4.16")
    assert only(observe(stream), plan=NO_PLAN, generation=Generation.GEN1).status is DriftStatus.EXACT


def test_a_version_that_nobody_can_compare_is_unparsable_and_says_why(build: "type[Build]") -> None:
    seen = only(observe(build.x86("9.6.20250826-1", {NO_PLAN: "1.0.0"})), plan=NO_PLAN, generation=Generation.GEN1)
    assert (seen.status, seen.days) == (DriftStatus.UNPARSABLE, None)
    assert "'1.0.0' is not an Azure version" in seen.reason


def test_a_stream_without_a_build_leaves_its_images_unparsable(build: "type[Build]") -> None:
    stream = build.stream(x86_64={"rhel-coreos-extensions": {"marketplace": {"azure": build.azure({OCP: "9.6.20250826"})}}})
    assert {one.reason for one in observe(stream)} == {"the stream names no build for this architecture"}


def test_the_other_stream_s_image_is_a_fallback_where_it_is_told(build: "type[Build]") -> None:
    stream = build.x86("10.2.20260423-0", {NO_PLAN: {Generation.GEN2: "9.8.20260428"}, OCP: {Generation.GEN2: "9.6.2026030314"}})
    other = decode({"x86_64": {"azure": build.azure({NO_PLAN: "9.8.20260428"})}}, MarketplaceFile, subject="rhel-9")
    seen = observe(stream, Fallbacks(other=other, other_name="coreos-rhel-9.json"))
    taken = only(seen, plan=NO_PLAN)
    assert (taken.status, taken.reason) == (DriftStatus.FALLBACK, "taken from coreos-rhel-9.json: RHEL 9.8, not RHEL 10.2")
    assert only(seen, plan=OCP).status is DriftStatus.WRONG_RHEL_MAJOR


def test_a_file_that_fell_back_to_this_one_makes_no_fallback_of_it(build: "type[Build]") -> None:
    """The rhel-10 file was identical to the rhel-9 file; that says nothing about RHEL 9."""
    stream = build.x86("9.8.20260428-0", {NO_PLAN: "9.8.20260428", OCP: "9.6.2026030314"})
    other = decode({"x86_64": {"azure": build.azure({NO_PLAN: "9.8.20260428", OCP: "9.6.2026030314"})}}, MarketplaceFile, subject="rhel-10")
    seen = observe(stream, Fallbacks(other=other, other_name="coreos-rhel-10.json"))
    assert {one.status for one in seen if one.image} == {DriftStatus.EXACT, DriftStatus.BEHIND}


def test_a_recorded_fallback_counts_while_the_entry_is_the_one_recorded(build: "type[Build]") -> None:
    stream = build.x86("10.2.20260423-0", {NO_PLAN: {Generation.GEN2: "9.8.20260428"}})
    urn = "azureopenshift:aro4:aro4-2:9.8.20260428"
    slot = "azure no-purchase-plan hyperVGen2 x86_64"
    assert only(observe(stream, Fallbacks({slot: (urn, "rhel-9")})), plan=NO_PLAN).status is DriftStatus.FALLBACK
    older = Fallbacks({slot: ("azureopenshift:aro4:aro4-2:9.8.20260301", "rhel-9")})
    assert only(observe(stream, older), plan=NO_PLAN).status is DriftStatus.WRONG_RHEL_MAJOR


def test_a_recorded_fallback_hides_nothing_that_is_ahead(build: "type[Build]") -> None:
    stream = build.x86("9.6.20250826-1", {NO_PLAN: {Generation.GEN2: "9.8.20260428"}})
    told = Fallbacks({"azure no-purchase-plan hyperVGen2 x86_64": ("azureopenshift:aro4:aro4-2:9.8.20260428", "rhel-10")})
    assert only(observe(stream, told), plan=NO_PLAN, generation=Generation.GEN2).status is DriftStatus.AHEAD


def test_regions_that_hold_the_same_release_are_one_observation(build: "type[Build]") -> None:
    regions = {name: {"release": "9.6.20250826-1", "image": AMI} for name in ("us-east-1", "eu-west-1")}
    regions["af-south-1"] = {"release": "9.6.20250701-0", "image": AMI}
    stream = build.stream(s390x=build.arch("9.6.20250826-1", images={"aws": {"regions": regions}}))
    seen = observe(stream)
    assert {one.regions: one.status for one in seen} == {
        ("eu-west-1", "us-east-1"): DriftStatus.EXACT,
        ("af-south-1",): DriftStatus.BEHIND,
    }


def test_images_and_marketplaces_of_all_clouds_are_judged(build: "type[Build]") -> None:
    more = {
        "aws": {"ocp": {"product": "p", "regions": {"us-east-1": {"release": "9.6.20250801-0", "image": AMI}}}},
        "gcp": {"oke": {"project": "redhat-marketplace-public", "name": "redhat-coreos-oke-418-x86-64-202503110000"}},
    }
    images = {
        "gcp": {"project": "rhcos-cloud", "name": "rhcos-9-6-20250826-1-gcp-x86-64"},
        "azure-community": {"gallery": "g", "image": "i", "version": "9.6.20250826"},
    }
    seen = observe(build.x86("9.6.20250826-1", {}, more=more, images=images))
    assert only(seen, cloud=Cloud.AWS).days == 25
    assert only(seen, cloud=Cloud.GCP, place=Place.MARKETPLACE).days == 168
    assert only(seen, cloud=Cloud.GCP, place=Place.IMAGES).status is DriftStatus.EXACT
    assert only(seen, cloud=Cloud.AZURE, place=Place.IMAGES).status is DriftStatus.EXACT


def test_a_gallery_id_that_ends_in_latest_cannot_be_compared(build: "type[Build]") -> None:
    images = {"azure-community": "/CommunityGalleries/g/Images/i/Versions/latest"}
    seen = only(observe(build.x86("9.6.20250826-1", {}, images=images)), place=Place.IMAGES)
    assert (seen.status, seen.reason) == (DriftStatus.UNPARSABLE, "'latest' names no version")


def test_architectures_that_nobody_knows_are_told(build: "type[Build]") -> None:
    assert unknown_architectures(build.stream(x86_64={}, riscv64={})) == ("riscv64",)


VERSIONS = st.one_of(
    st.sampled_from(["9.6.20250826", "4.18.2025031114", "419.6.20250523", "10.2.20260423", "9.8.2026042811", "", "latest", "x"]),
    st.text(max_size=12),
)
RELEASES = st.sampled_from(
    ["9.6.20250826-1", "10.2.20260423-0", "418.94.202410090804-0", "42.20250526.3.0", "c10s", "", "413.9.202302130811-0"]
)
AZURE_IMAGES = st.fixed_dictionaries({"publisher": st.sampled_from(["azureopenshift", "RedHat", ""]), "offer": st.just("o")}).flatmap(
    lambda image: VERSIONS.map(lambda version: {**image, "sku": "s", "version": version})
)
AZURES = st.dictionaries(
    st.sampled_from([plan.value for plan in PurchasePlan]),
    st.dictionaries(st.sampled_from(["hyperVGen1", "hyperVGen2"]), AZURE_IMAGES, max_size=2),
)
REGIONS = st.dictionaries(
    st.sampled_from(["us-east-1", "eu-west-1", "us-gov-east-1"]),
    st.builds(lambda release: {"image": AMI, **({"release": release} if release else {})}, RELEASES),
)
IMAGES = st.fixed_dictionaries(
    {},
    optional={
        "aws": st.builds(lambda regions: {"regions": regions}, REGIONS),
        "gcp": st.builds(lambda name, release: {"name": name, "release": release}, VERSIONS, RELEASES),
        "azure-community": st.one_of(VERSIONS, VERSIONS.map(lambda version: {"gallery": "g", "image": "i", "version": version})),
    },
)
MARKETPLACES = st.fixed_dictionaries(
    {},
    optional={
        "azure": AZURES,
        "aws": st.dictionaries(st.sampled_from(["ocp", "oke"]), st.builds(lambda regions: {"product": "p", "regions": regions}, REGIONS)),
        "gcp": st.dictionaries(st.sampled_from(["ocp", "oke"]), VERSIONS.map(lambda name: {"project": "p", "name": name})),
    },
)


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Streams with anything in their places."""
    architectures: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["x86_64", "aarch64", "s390x", "riscv64"]), unique=True)):
        release = draw(RELEASES)
        extensions: dict[str, Any] = {"azure-disk": {"release": release}} if draw(st.booleans()) else {}
        extensions["marketplace"] = draw(MARKETPLACES)
        architectures[name] = {
            "artifacts": {"aws": {"release": draw(RELEASES)}, "metal": {"release": release}},
            "images": draw(IMAGES),
            "rhel-coreos-extensions": extensions,
        }
    return decode({"stream": "s", "architectures": architectures}, Stream, subject="generated")


@given(streams())
def test_every_place_gets_exactly_one_status(stream: Stream) -> None:
    seen = observe(stream)
    places = [slot for one in seen for slot in slots_of(one)]
    assert len(places) == len(set(places))
    assert len({one.name for one in seen}) == len(seen)
    assert all(one.reason for one in seen)
    assert all((one.days is None) == (one.status not in (DriftStatus.EXACT, DriftStatus.BEHIND, DriftStatus.AHEAD)) for one in seen)


@given(streams())
def test_everything_that_stands_in_a_place_is_seen(stream: Stream) -> None:
    seen = {place for one in observe(stream) for place in slots_of(one) if one.status is not DriftStatus.MISSING}
    for name, arch in stream.architectures.items():
        extensions = arch.rhel_coreos_extensions
        if name in {known.value for known in Arch} and extensions and extensions.marketplace and extensions.marketplace.azure:
            for plan, generation, image in extensions.marketplace.azure.images():
                if image.version:
                    assert any((one.arch, one.plan, one.generation) == (name, plan, generation) for one in seen)


PAIRS = [
    ("rhcos-28ce2c4d65", "marketplace-rhcos-963ac1dd66", "9.6.20250826-1", "95 days behind", "168 days behind; RHEL 9.4, not RHEL 9.6"),
    (
        "coreos-rhel-9-98c7275538",
        "marketplace-coreos-rhel-9-3ed9315bc6",
        "9.8.20260428-0",
        "the same OS and day",
        "56 days behind; RHEL 9.6, not RHEL 9.8",
    ),
]


@pytest.mark.real_data
@pytest.mark.parametrize("pair", PAIRS, ids=[pair[2] for pair in PAIRS])
def test_the_published_pairs_drift_as_they_did(real_data: "Path", pair: tuple[str, str, str, str, str]) -> None:
    stream_name, marketplace_name, target, unpaid, paid = pair
    folder = real_data / "streams"
    stream = parse_stream((folder / f"installer/{stream_name}.json").read_bytes(), subject=stream_name)
    marketplace = parse_marketplace((folder / f"marketplace/{marketplace_name}.json").read_bytes(), subject=marketplace_name)
    seen = [one for one in observe(merge_marketplace(stream, marketplace).stream) if one.slot.place is Place.MARKETPLACE]
    assert {one.target for one in seen} == {target}
    assert {one.reason for one in seen if one.slot.plan is NO_PLAN} == {unpaid}
    assert {one.reason for one in seen if one.publisher == "redhat"} == {paid}
    assert len(seen) == 15


@pytest.mark.real_data
def test_the_images_that_published_streams_name_themselves_are_of_their_builds(real_data: "Path") -> None:
    for file in sorted((real_data / "streams").glob("*/*rhcos-[0-9a-f]*.json")) + sorted(
        (real_data / "streams/fcos").glob("stream-*.json")
    ):
        if file.parent.name == "marketplace":
            continue
        images = [one for one in observe(parse_stream(file.read_bytes(), subject=file.name)) if one.slot.place is Place.IMAGES]
        assert images
        assert {one.status for one in images} == {DriftStatus.EXACT}
