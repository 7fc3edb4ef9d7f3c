from collections.abc import Callable
from dataclasses import replace

import pytest

from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.aws import CONTENT_TAG, content_of
from penstock.model.push.items import BuildInfo, PushItem
from penstock.model.starmap import BillingType
from penstock.publish.aws.tags import image_tags

Items = Callable[..., PushItem]
CONTENT = Digest.of(b"a disk")
BUILD = {"nvra": "rhel-ec2-9.4-1.x86_64", "name": "rhel-ec2", "version": "9.4", "release": "1", "arch": "x86_64", "buildid": "None"}
HOURLY = BillingType.HOURLY


def test_the_tags_are_upstreams_and_the_contents(item: Items) -> None:
    tags = image_tags(item(), {}, HOURLY)
    told = {**BUILD, CONTENT_TAG: CONTENT.hex}
    assert tags.of_object(CONTENT) == told
    assert tags.of_image(CONTENT) == {**told, "billing_type": "hourly"}
    assert tags.of_snapshot(CONTENT, "N", shared=False) == {**told, "billing_type": "hourly", "Name": "N"}
    assert tags.of_snapshot(CONTENT, "N", shared=True) == {**told, "Name": "N"}


def test_the_id_of_a_build_is_text(item: Items) -> None:
    assert image_tags(item(build=BuildInfo("a", "1", "2", 77)), {}, HOURLY).build["buildid"] == "77"


def test_tags_of_a_destination_are_on_everything_though_upstream_forgets_them(item: Items) -> None:
    tags = image_tags(item(), {"team": "x"}, HOURLY)
    made = [tags.of_object(CONTENT), tags.of_image(CONTENT), tags.of_snapshot(CONTENT, "N", shared=True)]
    assert [each["team"] for each in made] == ["x", "x", "x"]


def test_an_object_has_what_s3_takes(item: Items) -> None:
    many = {f"t{number}": "v" for number in range(9)}
    strange = replace(item(), build=BuildInfo("rhel", "4.16~rc1", "1"))
    tags = image_tags(strange, {"owner": "a, b", **many}, HOURLY).of_object(CONTENT)
    assert len(tags) == 10
    assert (content_of(tags), "version" in tags, "owner" in tags) == (CONTENT, False, False)


@pytest.mark.parametrize("key", ["aws:x", "AWS:x", "penstock:sha256", "nvra", "billing_type", "Name", "", "k" * 129])
def test_a_reserved_or_impossible_tag_is_refused(item: Items, key: str) -> None:
    with pytest.raises(InputError, match="tag"):
        image_tags(item(), {key: "v"}, HOURLY)


def test_long_values_and_too_many_tags_are_refused(item: Items) -> None:
    with pytest.raises(InputError, match="too long"):
        image_tags(item(), {"k": "v" * 257}, HOURLY)
    with pytest.raises(InputError, match="room for 41"):
        image_tags(item(), {f"t{number}": "v" for number in range(42)}, HOURLY)
