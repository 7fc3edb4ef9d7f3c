"""What the environment says of pushes, and where it arrives."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from penstock.cli.publish.knobs import Knobs, is_true
from penstock.cli.publish.push_arguments import CommunityArguments, PushArguments, PushCommand
from penstock.cli.publish.push_asks import asks_of, limits_of, settings_of
from penstock.model.errors import InputError
from penstock.publish.actions import Phase

EVERYTHING: Mapping[str, str] = {
    "COMMUNITY_PUSH_PROCESS_THREADS": "3",
    "COMMUNITY_PUSH_REQUIRE_BILLING_CODES": "False",
    "MARKETPLACESVM_PUSH_REQUEST_THREADS": "7",
    "MARKETPLACESVM_PUSH_PROCESS_THREADS": "8",
    "MARKETPLACESVM_PUSH_AWS_TIMEOUT_ATTEMPTS": "12",
    "MARKETPLACESVM_PUSH_AWS_TIMEOUT_INTERVALS": "0.5",
    "RHSM_REQUEST_THREADS": "2",
    "DELETE_IMAGES_REQUEST_THREADS": "6",
    "ALLOWED_ATTRS_TO_UPDATE_FOR_UPLOAD": "release, volume",
    "UPLOAD_CONTAINER_NAME": "uploads",
    "CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY": "9",
    "PUSHSOURCE_SRC_POLL_TIMEOUT": "600",
    "PUSHSOURCE_SRC_POLL_RATE": "0.5",
}


_SKIPS = ((Phase.PUBLISH,), (Phase.PRE_PUBLISH,), (Phase.PRE_PUBLISH, Phase.PUBLISH))


def a_push(*, community: bool = True, marketplace: bool = True) -> PushArguments:
    told = CommunityArguments() if community else None
    return PushArguments(command=PushCommand.COMBINED, sources=("staged:x",), community=told, marketplace=marketplace, allow_draft=True)


def test_an_empty_environment_leaves_the_documented_defaults() -> None:
    assert Knobs.read(dict.fromkeys(EVERYTHING, "")) == Knobs.read({}) == Knobs()
    usual = Knobs()
    assert (usual.community_steps, usual.market_uploads, usual.market_steps, usual.rhsm_calls) == (10, 5, 10, 4)
    assert (usual.change_set_attempts, usual.change_set_poll_s) == (288, 600)
    assert (usual.patience.timeout_s, usual.patience.rate_s) == (0, 30)


def test_every_variable_is_read() -> None:
    knobs = Knobs.read(EVERYTHING)
    assert (knobs.community_steps, knobs.require_billing_codes, knobs.market_uploads, knobs.market_steps) == (3, False, 7, 8)
    assert (knobs.change_set_attempts, knobs.change_set_poll_s, knobs.rhsm_calls, knobs.deletions) == (12, 0.5, 2, 6)
    assert (knobs.upload_attributes, knobs.container) == (frozenset({"release", "volume"}), "uploads")
    assert (knobs.patience.timeout_s, knobs.patience.rate_s) == (600, 0.5)


@pytest.mark.parametrize("text", ["0", "-1", "many", "inf", "nan"])
@pytest.mark.parametrize("name", [name for name in EVERYTHING if name.endswith(("THREADS", "ATTEMPTS", "CONCURRENCY"))])
def test_a_number_that_cannot_be_is_refused_with_its_variable(name: str, text: str) -> None:
    with pytest.raises(InputError, match=name):
        Knobs.read({name: text})


@pytest.mark.parametrize(("text", "yes"), [("true", True), ("TRUE ", True), ("false", False), ("1", False), ("", False)])
def test_only_true_is_true(text: str, *, yes: bool) -> None:
    assert is_true(text) is yes


def test_what_the_environment_says_arrives_at_each_workflow() -> None:
    asks = asks_of(a_push(), Knobs.read(EVERYTHING))
    assert asks.aws_market
    assert asks.azure_market
    assert asks.galleries
    assert asks.community
    assert asks.gcp
    on_aws, on_azure = asks.aws_market(), asks.azure_market()
    assert (on_aws.market.attempts, on_aws.market.poll_s) == (12, 0.5)
    assert on_aws.rules.upload_attributes == {"release", "volume"}
    assert (on_azure.rules.container, on_azure.rules.allow_draft) == ("uploads", True)
    assert (on_azure.concurrency, asks.galleries().concurrency, asks.galleries().plan.container) == (9, 9, "uploads")
    assert asks.community().enrichment.require_billing_codes is False
    assert asks.gcp().plan.pre_push is False


def test_a_workflow_that_is_not_asked_for_is_asked_nothing() -> None:
    market = asks_of(a_push(community=False), Knobs())
    assert (market.community, market.galleries, market.gcp) == (None, None, None)
    community = asks_of(a_push(marketplace=False), Knobs())
    assert (community.aws_market, community.azure_market) == (None, None)


def test_both_workflows_together_do_as_much_at_a_time_as_each_alone() -> None:
    knobs = Knobs.read(EVERYTHING)
    both, market = limits_of(a_push(), knobs), limits_of(a_push(community=False), knobs)
    assert (both.steps, market.steps) == (11, 8)
    assert (market.phases[Phase.UPLOAD], both.phases[Phase.RHSM]) == (7, 2)


def test_the_state_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_STATE", raising=False)
    settings = settings_of(a_push(), Knobs.read(EVERYTHING), {"XDG_STATE_HOME": "/state"})
    assert str(settings.state) == "/state/penstock/publish"
    assert settings.container == "uploads"


def test_skipping_both_steps_of_a_marketplace_uploads_only() -> None:
    rules = {skip: asks_of(replace(a_push(), skip=frozenset(skip)), Knobs()).azure_market for skip in _SKIPS}
    assert [each is not None and each().rules.pre_push for each in rules.values()] == [False, False, True]
