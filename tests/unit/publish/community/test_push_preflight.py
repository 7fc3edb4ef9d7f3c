import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from penstock.model.errors import OperationError, TransientError
from penstock.model.push.aws import BucketState
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.push.states import ItemState
from penstock.publish.findings import Stops

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.publish.community.conftest import Pushes

    from penstock.publish.community.push import CommunityAsk

MAKING = {"create_bucket", "begin_upload", "start_import", "register_image", "tag", "share_image", "put_image"}


def states_of(pushes: "Pushes", ask: "CommunityAsk") -> dict[str, ItemState]:
    return {each.item.dest[0]: each.state for each in asyncio.run(pushes.run(ask))}


def test_a_product_that_rhsm_does_not_have_stops_the_run_before_any_call_that_makes(
    pushes: "Pushes", asking: "Callable[..., CommunityAsk]"
) -> None:
    pushes.cloud.rhsm_products = (RhsmProduct("RHEL", "AWS"), RhsmProduct("RHEL_HOURLY", "AGOV"))
    assert states_of(pushes, asking()) == {
        "us-east-1-hourly": ItemState.INVALIDFILE,
        "us-east-1-access": ItemState.PENDING,
        "us-east-2-hourly": ItemState.INVALIDFILE,
    }
    assert not MAKING & pushes.cloud.calls.keys()


def test_rhsm_is_asked_before_a_pre_push_too(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.cloud.rhsm_products = ()
    assert ItemState.PUSHED not in states_of(pushes, asking(pre_push=True)).values()


def test_a_full_push_without_rhsm_stops(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.rhsm = False
    assert set(states_of(pushes, asking()).values()) == {ItemState.PENDING}


def test_a_pre_push_without_rhsm_is_warned_of_and_done(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.rhsm = False
    findings = asyncio.run(pushes.prepared(asking(pre_push=True))).findings
    assert [(each.stops, each.hint) for each in findings] == [(Stops.NOTHING, "give --rhsm-url")]
    assert set(states_of(pushes, asking(pre_push=True)).values()) == {ItemState.PUSHED}


def test_a_region_that_refuses_stops_its_destinations_alone(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.cloud.refused["us-east-2"] = OperationError("UnauthorizedOperation", subject="us-east-2")
    states = states_of(pushes, asking())
    assert [where for where, state in states.items() if state is ItemState.UPLOADFAILED] == ["us-east-2-hourly"]


def test_an_account_that_refuses_is_told_once_for_each_region(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.cloud.refused["owner"] = OperationError("AuthFailure")
    findings = asyncio.run(pushes.prepared(asking())).findings
    assert [(each.problem, len(each.labels)) for each in findings] == [
        ("aws-us-storage us-east-1: AuthFailure", 2),
        ("aws-us-storage us-east-2: AuthFailure", 1),
    ]


def test_another_accounts_bucket_stops_its_destinations(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.cloud.buckets[("us-east-1", "redhat-cloudimg-us-east-1")] = BucketState.FOREIGN
    states = states_of(pushes, asking())
    assert [where for where, state in states.items() if state is ItemState.PUSHED] == ["us-east-2-hourly"]


def test_another_accounts_bucket_is_no_matter_where_nothing_goes_through_buckets(
    pushes: "Pushes", asking: "Callable[..., CommunityAsk]"
) -> None:
    pushes.cloud.buckets[("us-east-1", "redhat-cloudimg-us-east-1")] = BucketState.FOREIGN
    assert set(states_of(pushes, asking(ebs_direct=True)).values()) == {ItemState.PUSHED}


def test_no_credentials_fail_the_destinations_of_their_account(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.credentials = False
    finding = asyncio.run(pushes.prepared(asking())).findings[0]
    assert (finding.problem, finding.stops) == ("aws-us-storage: there are no credentials for this account", Stops.TARGETS)
    assert set(states_of(pushes, asking()).values()) == {ItemState.UPLOADFAILED}


def test_an_image_that_nobody_may_use_is_a_warning(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.meta = {}
    findings = asyncio.run(pushes.prepared(asking())).findings
    assert [(each.stops, len(each.labels)) for each in findings] == [(Stops.NOTHING, 1)]


def test_no_billing_codes_stop_the_run(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.items = tuple(replace(each, src="/stage/fedora.raw") for each in pushes.items)
    made = asyncio.run(pushes.prepared(asking()))
    assert made.stopped
    assert {each.stops for each in made.findings} == {Stops.RUN}


@pytest.mark.parametrize("call", ["images_by_name", "images_by_tags", "imports", "object"])
def test_where_all_images_stand_nothing_else_is_looked_for(call: str, pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    asyncio.run(pushes.run(asking()))
    pushes.cloud.calls.clear()
    asyncio.run(pushes.prepared(asking()))
    expected = {"images_by_name": 2, "images_by_tags": 0, "imports": 0, "object": 0}
    assert pushes.cloud.calls[call] == expected[call]


@pytest.mark.parametrize("call", ["images_by_name", "images_by_tags", "imports", "object"])
def test_what_stands_there_is_asked_for_once_in_each_region(call: str, pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    asyncio.run(pushes.run(asking()))
    pushes.cloud.images.clear()
    pushes.cloud.calls.clear()
    asyncio.run(pushes.prepared(asking()))
    expected = {"images_by_name": 2, "images_by_tags": 3, "imports": 2, "object": 4}  # an object has a plain key and one of its own
    assert pushes.cloud.calls[call] == expected[call]


def test_a_region_that_does_not_answer_is_a_failure_that_may_pass(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    pushes.cloud.refused["us-east-2"] = TransientError("there is no connection to the EC2 endpoint")
    pushes.cloud.refused["us-east-1"] = OperationError("these credentials may not ask this")
    results = {each.item.dest[0]: each for each in asyncio.run(pushes.run(asking()))}
    assert {dest: (each.state, each.transient) for dest, each in results.items()} == {
        "us-east-1-hourly": (ItemState.UPLOADFAILED, False),
        "us-east-1-access": (ItemState.UPLOADFAILED, False),
        "us-east-2-hourly": (ItemState.UPLOADFAILED, True),
    }
