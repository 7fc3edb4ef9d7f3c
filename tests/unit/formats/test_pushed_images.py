"""Lists of images that were pushed, as pushes write them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.everyfault import DocumentFaults
from penstock.formats.pushedimages import parse_pushed_images
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.items import (
    AccessEndpointUrl,
    AmiAttributes,
    BillingCodes,
    BootMode,
    BuildInfo,
    CloudInfo,
    GceAttributes,
    ItemKind,
    PushItem,
    ReleaseInfo,
    SecurityGroup,
    VhdAttributes,
)
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.results import clouds_document

RELEASE: Mapping[str, object] = {"product": "RHEL", "date": "20260511", "arch": "x86_64", "respin": 1, "version": "9.4"}
ENTRY: Mapping[str, object] = {"name": "rhel", "src": "/mnt/rhel.raw", "build": "rhel-ec2-9.4-1", "release": RELEASE}

WORDS = st.text("abcXYZ0189_", min_size=1, max_size=8)
MAYBE = st.none() | WORDS
AMIS = st.builds(
    AmiAttributes,
    type=MAYBE,
    region=MAYBE,
    ena_support=st.none() | st.booleans(),
    billing_codes=st.none() | st.builds(BillingCodes, WORDS, st.lists(WORDS).map(tuple)),
    marketplace_entity_type=MAYBE,
    image_id=MAYBE,
    scanning_port=st.none() | st.integers(1, 65535),
    security_groups=st.lists(
        st.builds(SecurityGroup, st.integers(0, 9), WORDS, st.lists(WORDS).map(tuple), st.integers(0, 9)), max_size=2
    ).map(tuple),
    access_endpoint_url=st.none() | st.builds(AccessEndpointUrl, st.integers(1, 9), WORDS),
)
VHDS = st.builds(
    VhdAttributes,
    generation=MAYBE,
    sku_id=MAYBE,
    support_legacy=st.none() | st.booleans(),
    disk_version=MAYBE,
    recommended_sizes=st.lists(WORDS).map(tuple),
)
GCES = st.builds(GceAttributes, family=MAYBE, licenses=st.lists(WORDS).map(tuple), guest_os_features=st.lists(WORDS).map(tuple))
RELEASES = st.builds(
    ReleaseInfo,
    product=WORDS,
    date=st.dates(date(2000, 1, 1), date(2099, 1, 1)),
    arch=WORDS,
    respin=st.integers(0, 99),
    version=MAYBE,
    base_product=MAYBE,
    variant=MAYBE,
    type=MAYBE,
)
ITEMS = st.builds(
    PushItem,
    name=WORDS,
    src=WORDS,
    build=st.builds(BuildInfo, WORDS, WORDS, WORDS, st.none() | st.integers(1, 9)),
    release=RELEASES,
    attributes=AMIS | VHDS | GCES,
    description=st.text(max_size=8),
    boot_mode=st.none() | st.sampled_from(BootMode),
    sha256=st.none() | st.binary(max_size=4).map(Digest.of),
    md5=st.none() | st.just("0" * 32),
    origin=MAYBE,
    signing_key=MAYBE,
    marketplace_name=MAYBE,
    dest=st.lists(WORDS, max_size=2).map(tuple),
    state=st.sampled_from(ItemState),
    nvr=st.just("") | st.just("rhcos-9.6.20250523-0"),
)


def one(**changes: object) -> PushItem:
    """The item of an entry with these keys; without those that are None."""
    entry = {key: value for key, value in {**ENTRY, **changes}.items() if value is not None}
    (item,) = parse_pushed_images(json.dumps([entry]).encode(), subject="clouds.json")
    return item


def faults(*entries: object) -> list[str]:
    with pytest.raises(DocumentFaults) as caught:
        parse_pushed_images(json.dumps(entries).encode(), subject="clouds.json")
    return [each.message for each in caught.value.faults]


@given(st.lists(ITEMS, max_size=4))
def test_what_a_push_writes_of_images_of_all_kinds_is_read_as_it_was(items: list[PushItem]) -> None:
    placed = [replace(each, cloud_info=CloudInfo(each.kind.cloud.value, f"{each.kind.cloud.value}-us-storage")) for each in items]
    results = [
        PushResult(
            order=(index, 0), item=item, filename=item.name, state=item.state, cloud=item.kind.cloud.value, account=item.cloud_info.account
        )
        for index, item in enumerate(placed)
        if item.cloud_info
    ]
    assert parse_pushed_images(clouds_document(results), subject="clouds.json") == tuple(placed)


@given(st.lists(ITEMS, min_size=2, max_size=4), st.randoms())
def test_what_an_image_is_does_not_depend_on_those_before_it(items: list[PushItem], random: object) -> None:
    """Upstream takes the kind of the first one for all."""

    def read(some: list[PushItem]) -> list[PushItem]:
        results = [PushResult(order=(0, 0), item=each, filename=each.name, state=each.state) for each in some]
        return list(parse_pushed_images(clouds_document(results), subject="clouds.json"))

    assert read(items) == list(reversed(read(list(reversed(items)))))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"cloud_info": {"provider": "azure", "account": "azure-na"}}, ItemKind.VHD),
        ({"cloud_info": {"provider": "AGOV", "account": "aws-us-gov-storage"}, "src": "/mnt/x.vhd"}, ItemKind.AMI),
        ({"cloud_info": {"provider": "GCP", "account": "gcp-us-storage"}}, ItemKind.GCE),
        ({"image_id": "ami-1", "src": "/mnt/x.vhd"}, ItemKind.AMI),
        ({"src": "ami-1"}, ItemKind.AMI),
        ({"src": "/mnt/x.vhd"}, ItemKind.VHD),
        ({"src": "https://images.example/x.vhd.xz?sig=1"}, ItemKind.VHD),
        ({"src": "/mnt/x.tar.gz"}, ItemKind.GCE),
        ({"recommended_sizes": []}, ItemKind.VHD),
        ({"licenses": []}, ItemKind.GCE),
        ({}, ItemKind.AMI),
        ({"src": None}, ItemKind.AMI),
    ],
)
def test_the_kind_of_an_image_is_told_by_what_is_said_of_it(changes: dict[str, object], kind: ItemKind) -> None:
    assert one(**changes).kind is kind


def test_the_shorter_name_of_the_id_of_an_ami_is_known() -> None:
    attributes = one(ami="ami-1").attributes
    assert isinstance(attributes, AmiAttributes)
    assert attributes.image_id == "ami-1"


def test_keys_that_are_not_known_are_passed_over() -> None:
    assert one(starmap_query={"name": 1}, release={**RELEASE, "more": 1}) == one()


def test_a_state_that_is_none_of_ours_is_pending() -> None:
    assert (one(state="EXISTS").state, one().state, one(state="DELETED").state) == (
        ItemState.PENDING,
        ItemState.PENDING,
        ItemState.DELETED,
    )


def test_a_build_of_which_the_parts_say_another_name_keeps_both() -> None:
    item = one(build="rhcos-x86_64-9.6.20250523-0", build_info={"name": "rhcos-x86_64", "version": "4.19", "release": "0", "id": 7})
    assert (item.build, item.build_nvr) == (BuildInfo("rhcos-x86_64", "4.19", "0", 7), "rhcos-x86_64-9.6.20250523-0")


def test_a_build_is_told_from_the_files_name_where_nothing_names_it() -> None:
    assert one(build=None, src="/mnt/rhel-ec2-9.4-3.x86_64.raw.xz").build == BuildInfo("rhel-ec2", "9.4", "3")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"cloud_info": {"provider": "aws"}}, "account"),
        ({"cloud_info": "aws"}, "$[0].cloud_info"),
        ({"image_id": 1}, "text or null is wanted"),
        ({"ena_support": "yes"}, "true or false"),
        ({"release": {**RELEASE, "date": "May"}}, "is no date"),
        ({"release": {**RELEASE, "respin": "one"}}, "is no whole number"),
        ({"build": "rhel"}, "NAME-VERSION-RELEASE"),
        ({"build": None}, "names no build"),
        ({"sha256sum": "abc"}, "$[0].sha256sum"),
        ({"recommended_sizes": "a"}, "$[0].recommended_sizes"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(changes: dict[str, object], problem: str) -> None:
    entry = {key: value for key, value in {**ENTRY, **changes}.items() if value is not None}
    (said,) = faults(entry)
    assert problem in said
    assert "line 1" in said


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert len(faults({**ENTRY, "name": 1}, ENTRY, {**ENTRY, "state": []})) == 2


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff[]", b"{}", b'"x"'])
def test_what_is_no_list_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        parse_pushed_images(content, subject="clouds.json")
