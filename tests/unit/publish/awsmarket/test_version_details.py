from dataclasses import replace
from datetime import date

import pytest

from penstock.model.errors import InputError
from penstock.model.push.awsmarket import DeliveryOption, ProductVersion
from penstock.model.push.items import AccessEndpointUrl, AmiAttributes, PushItem, ReleaseInfo, SecurityGroup
from penstock.publish.awsmarket.versions import details_of, rendered, version_title


def attributed(item: PushItem, **changes: object) -> PushItem:
    assert isinstance(item.attributes, AmiAttributes)
    return replace(item, attributes=replace(item.attributes, **changes))  # type: ignore[arg-type]


def test_a_title_is_version_date_and_respin_unless_the_source_has_a_template(sold_item: PushItem) -> None:
    assert version_title(sold_item) == "9.4 20260511-1"
    templated = replace(sold_item, marketplace_title_template="{product} {version} ({date:%Y-%m})")
    assert version_title(templated) == "RHEL 9.4 (2026-05)"


@pytest.mark.parametrize("template", ["{variant}", "{none}", "{version.__class__}", "{0}", "{", "{version:%d}", " ", "x" * 256])
def test_a_template_that_cannot_be_a_title_is_refused(template: str, sold_item: PushItem) -> None:
    with pytest.raises(InputError, match=r"marketplace_title_template|the title"):
        version_title(replace(sold_item, marketplace_title_template=template))


def test_texts_have_the_parts_of_the_version_filled_in() -> None:
    assert rendered("{major_version}|{minor_version}|{major_minor}|{{}}", "9.4.2", "release_notes") == "9|4|9.4|{}"
    assert rendered("no version", "9", "release_notes") == "no version"
    assert rendered("{major_version}", "9", "release_notes") == "9"


@pytest.mark.parametrize("text", ["{minor_version}", "{major_minor}", "{version}", "{", "{}", "{major_version.real}"])
def test_a_text_that_asks_for_what_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="release_notes"):
        rendered(text, "9", "release_notes")


def test_all_that_is_said_nowhere_is_named_at_once(sold_item: PushItem) -> None:
    with pytest.raises(InputError, match="release_notes and scanning_port"):
        details_of(attributed(sold_item, release_notes=None, scanning_port=None))


def test_templates_that_are_wrong_are_told_beside_what_is_said_nowhere(sold_item: PushItem) -> None:
    item = attributed(replace(sold_item, marketplace_title_template="{nope}"), release_notes="{none}", user_name=None)
    with pytest.raises(
        InputError, match=r"says user_name; marketplace_title_template asks for \{nope\}.*; release_notes asks for \{none\}"
    ):
        details_of(item)


def test_the_operating_system_is_that_of_the_base_product_where_there_is_one(sold_item: PushItem) -> None:
    release = ReleaseInfo("RHCOS", date(2026, 5, 11), "x86_64", 0, "9.6", base_product="rhel-base", base_version="9.4")
    found = details_of(replace(sold_item, release=release))
    assert (found.os_name, found.os_version) == ("RHEL", "9.4")
    assert (details_of(sold_item).os_name, details_of(sold_item).os_version) == ("RHEL", "9.4")


def test_security_groups_and_the_endpoint_are_in_the_document_and_the_id_of_the_option_is_for_updates(sold_item: PushItem) -> None:
    groups = (SecurityGroup(22, "tcp", ("0.0.0.0/0",), 22),)
    item = attributed(sold_item, security_groups=groups, access_endpoint_url=AccessEndpointUrl(443, "https"))
    (option,) = details_of(item).document("ami-1", "role", "do-1")["DeliveryOptions"]
    told = option["Details"]["AmiDeliveryOptionDetails"]
    assert option["Id"] == "do-1"
    assert told["SecurityGroups"] == [{"FromPort": 22, "IpProtocol": "tcp", "IpRanges": ["0.0.0.0/0"], "ToPort": 22}]
    assert told["AccessEndpointUrl"] == {"Port": 443, "Protocol": "https"}
    (plain,) = details_of(sold_item).document("ami-1", "role")["DeliveryOptions"]
    assert ("Id" in plain, "AccessEndpointUrl" in plain["Details"]["AmiDeliveryOptionDetails"]) == (False, False)


def test_differences_are_named_and_the_order_of_security_groups_is_none(sold_item: PushItem) -> None:
    groups = (SecurityGroup(22, "tcp", ("a", "b"), 22), SecurityGroup(80, "tcp", ("a",), 80))
    wanted = details_of(attributed(sold_item, security_groups=groups))
    option = DeliveryOption(
        id="do",
        usage_instructions="use it",
        instance_type="m5.large",
        security_groups=(groups[1], replace(groups[0], ip_ranges=("b", "a"), ip_protocol="TCP")),
    )
    version = ProductVersion(id="v", title="9.4 20260511-1", release_notes="notes", options=(option,))
    assert wanted.differences(version) == ()
    other = replace(version, release_notes="other", options=(replace(option, instance_type="t3"),))
    assert wanted.differences(other) == ("release notes", "instance type")
