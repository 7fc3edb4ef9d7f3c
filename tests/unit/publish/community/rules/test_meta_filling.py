from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from penstock.formats.everyfault import DocumentFaults
from penstock.formats.itemmeta import read_release_date
from penstock.model.push.items import (
    AccessEndpointUrl,
    AmiAttributes,
    BillingCodes,
    BootMode,
    PushItem,
    ReleaseInfo,
    SecurityGroup,
    VhdAttributes,
)
from penstock.publish.metadata import filled

Items = Callable[..., PushItem]


def fill(item: PushItem, **meta: Any) -> PushItem:  # noqa: ANN401  (a meta is anything)
    return filled(item, meta, subject="the meta")


def attributes(item: PushItem) -> AmiAttributes:
    assert isinstance(item.attributes, AmiAttributes)
    return item.attributes


def test_what_the_source_does_not_say_comes_from_the_meta(item: Items) -> None:
    made = fill(item(boot_mode=None), boot_mode="uefi", description="An image", user_name="ec2-user", scanning_port=22)
    assert (made.boot_mode, made.description) == (BootMode.UEFI, "An image")
    assert (attributes(made).user_name, attributes(made).scanning_port) == ("ec2-user", 22)


def test_what_the_source_says_stays(item: Items) -> None:
    made = fill(item(description="mine"), description="theirs", volume="gp2", boot_mode="legacy")
    assert (made.description, attributes(made).volume, made.boot_mode) == ("mine", "gp3", BootMode.HYBRID)


def test_false_of_the_source_is_nothing_said_as_upstream(item: Items) -> None:
    made = fill(item(attributes=AmiAttributes(ena_support=False)), ena_support=True)
    assert attributes(made).ena_support is True


def test_false_of_the_meta_is_said_where_the_source_is_silent(item: Items) -> None:
    assert attributes(fill(item(attributes=AmiAttributes()), ena_support=False)).ena_support is False


def test_a_release_of_the_meta_replaces_field_by_field(item: Items) -> None:
    made = fill(item(), release={"product": "RHEL_HA", "date": 20260601, "version": None, "type": "GA"})
    assert made.release == ReleaseInfo("RHEL_HA", date(2026, 6, 1), "x86_64", 1, "9.4", type="GA")


def test_nested_values_become_those_of_the_model(item: Items) -> None:
    group = {"from_port": 22, "ip_protocol": "tcp", "ip_ranges": ["0.0.0.0/0"], "to_port": 22}
    made = attributes(
        fill(
            item(),
            security_groups=[group],
            access_endpoint_url={"port": 443, "protocol": "https"},
            billing_codes={"name": "H", "codes": ["b"]},
        )
    )
    assert made.security_groups == (SecurityGroup(22, "tcp", ("0.0.0.0/0",), 22),)
    assert (made.access_endpoint_url, made.billing_codes) == (AccessEndpointUrl(443, "https"), BillingCodes("H", ("b",)))


@pytest.mark.parametrize("meta", [{}, {"accounts": {"x": "1"}, "modular_push": True}, {"description": None, "release": None}])
def test_what_is_no_attribute_changes_nothing(item: Items, meta: dict[str, Any]) -> None:
    assert filled(item(), meta, subject="the meta") == item()


@pytest.mark.parametrize("key", ["name", "src", "sha256", "md5", "build", "dest"])
def test_what_only_a_source_can_know_is_not_taken_from_a_mapping(item: Items, key: str) -> None:
    assert filled(item(), {key: "x"}, subject="the meta") == item()


def test_a_disk_of_azure_has_its_own_attributes(item: Items) -> None:
    vhd = replace(item(), attributes=VhdAttributes())
    made = fill(vhd, generation="V1", recommended_sizes=["a2"], volume=7)
    assert made.attributes == VhdAttributes(generation="V1", recommended_sizes=("a2",))


def test_all_faults_are_told_at_once_with_their_paths(item: Items) -> None:
    meta = {"ena_support": "yes", "boot_mode": "bios", "release": {"date": "20261301", "respin": "1", "verison": "9"}}
    with pytest.raises(DocumentFaults) as caught:
        filled(item(), meta, subject="the meta")
    text = str(caught.value)
    wrong = ("$.meta.ena_support", "$.meta.boot_mode", "$.meta.release.date", "$.meta.release.respin", "$.meta.release.verison")
    assert [path for path in wrong if f"at {path}: " not in text] == []
    assert len(caught.value.faults) == len(wrong)


def test_a_date_has_three_spellings() -> None:
    assert {read_release_date(value) for value in ("20260511", 20260511, "2026-05-11")} == {date(2026, 5, 11)}


@pytest.mark.parametrize("value", ["", "2026", "2026-0511", "202605-11", "2026-W19-1", "20260230", -2026051, "\uff12\uff10260511"])
def test_other_dates_are_none(value: str | int) -> None:
    with pytest.raises(ValueError):
        read_release_date(value)
