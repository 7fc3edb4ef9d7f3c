"""What a rehearsal makes before it begins: the places and products that mappings name."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from penstock.formats.starmap import decode_mappings
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.items import PushItem
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.starmap import StarmapWorkflow
from penstock.publish.mapping import Mappings
from penstock.publish.needs import NeededPlace, PushNeeds, needs_of

Needs = Callable[..., PushNeeds]


def entity(workflow: str, mappings: dict[str, Any], **meta: Any) -> dict[str, Any]:  # noqa: ANN401  # plain data
    return {"name": "rhel-ec2", "cloud": "aws", "workflow": workflow, "mappings": mappings, "meta": meta}


def to(*destinations: str, provider: str | None = None, **meta: Any) -> dict[str, Any]:  # noqa: ANN401  # plain data
    places = [{"destination": each, "overwrite": False, "restrict_version": False, "meta": meta} for each in destinations]
    return {"destinations": places} | ({"provider": provider} if provider else {})


@pytest.fixture
def needs(an_item: Callable[..., PushItem]) -> Needs:
    """``needs(entity, …)``: of one image of RHEL with these mappings, in both workflows."""

    def found(*entities: dict[str, Any]) -> PushNeeds:
        mappings = Mappings(decode_mappings(list(entities), subject="map.yaml"))
        asked = [(each, asyncio.run(mappings.resolve({0: an_item()}, each))) for each in StarmapWorkflow]
        return needs_of(asked)

    return found


def test_every_destination_is_a_place_of_its_account(needs: Needs) -> None:
    found = needs(
        entity("community", {"aws-us-storage": to("us-east-1-hourly", "us-west-2-hourly")}),
        entity("stratosphere", {"aws-na": to("prod-1"), "aws-emea": to("prod-2")}),
    )
    community, market = StarmapWorkflow.COMMUNITY, StarmapWorkflow.STRATOSPHERE
    assert found.places == {
        NeededPlace(AccountAlias("aws-us-storage"), community, "us-east-1-hourly"),
        NeededPlace(AccountAlias("aws-us-storage"), community, "us-west-2-hourly"),
        NeededPlace(AccountAlias("aws-na"), market, "prod-1"),
        NeededPlace(AccountAlias("aws-emea"), market, "prod-2"),
    }
    assert [str(each) for each in found.accounts] == ["aws-emea", "aws-na", "aws-us-storage"]


def test_the_product_of_rhsm_is_that_of_the_meta_under_the_mappings_provider(needs: Needs) -> None:
    found = needs(entity("community", {"aws-us-storage": to("us-gov-west-1-hourly", provider="AGOV", release={"product": "SAP"})}))
    assert found.products == {RhsmProduct("SAP", "AGOV"), RhsmProduct("SAP_HOURLY", "AGOV")}


def test_the_product_is_the_sources_where_the_mapping_says_none(needs: Needs, an_item: Callable[..., PushItem]) -> None:
    product = an_item().release.product
    found = needs(entity("community", {"aws-us-storage": to("us-east-1-hourly")}))
    assert found.products == {RhsmProduct(product, "AWS"), RhsmProduct(f"{product}_HOURLY", "AWS")}


def test_marketplaces_need_no_product_of_rhsm(needs: Needs) -> None:
    assert needs(entity("stratosphere", {"aws-na": to("prod-1")})).products == frozenset()


def test_what_the_push_itself_will_refuse_needs_nothing_and_hides_nothing(needs: Needs) -> None:
    wrong = to("us-east-1-hourly", release={"date": "yesterday"})
    found = needs(
        entity("community", {"no-alias": to("us-east-1-hourly"), "aws-us-storage": wrong, "aws-cn-storage": to("cn-north-1-hourly")})
    )
    assert [str(each) for each in found.accounts] == ["aws-cn-storage", "aws-us-storage"]
    assert {each.provider for each in found.products} == {"AWS"}


def test_an_item_without_a_mapping_needs_nothing(needs: Needs) -> None:
    other = {**entity("community", {"aws-us-storage": to("us-east-1-hourly")}), "name": "other"}
    assert needs(other) == PushNeeds()
