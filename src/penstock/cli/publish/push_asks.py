"""From what the user asked for to what each workflow is asked."""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from penstock.cli.publish import hurried
from penstock.cli.publish.knobs import Knobs
from penstock.cli.publish.push_arguments import CommunityArguments, PushArguments
from penstock.publish.actions import Phase
from penstock.publish.execution import Limits
from penstock.wiring.publish import RhsmSettings, RunSettings, state_folder
from penstock.wiring.pushes import WorkflowAsks

if TYPE_CHECKING:
    from penstock.publish.awsmarket.push import AwsMarketAsk
    from penstock.publish.azuremarket.push import AzureMarketAsk
    from penstock.publish.community.push import CommunityAsk
    from penstock.publish.galleries.push import GalleriesAsk
    from penstock.publish.gcp.push import GcpAsk

_COMMUNITY_UPLOADS = 4
"""At a time; each is sent in parts by several connections already."""


def settings_of(arguments: PushArguments, knobs: Knobs, environ: Mapping[str, str] = os.environ) -> RunSettings:
    """What the push works on.

    Raises:
        OperationError: there is no place for its state.
    """
    return RunSettings(
        sources=arguments.sources,
        credentials=arguments.credentials,
        rhsm=arguments.community.rhsm if arguments.community else RhsmSettings(),
        state=state_folder(arguments.state, environ),
        patience=knobs.patience,
        starmap=arguments.starmap,
        container=knobs.container,
        endpoints=arguments.endpoints,
        accounts=arguments.accounts,
    )


def asks_of(arguments: PushArguments, knobs: Knobs) -> WorkflowAsks:
    """What each workflow of the push is asked, once there are images for it."""
    community = arguments.community
    return WorkflowAsks(
        aws_market=partial(_aws_market, arguments, knobs) if arguments.marketplace else None,
        azure_market=partial(_azure_market, arguments, knobs) if arguments.marketplace else None,
        community=partial(_community, arguments, community, knobs) if community else None,
        galleries=partial(_galleries, arguments, community, knobs) if community else None,
        gcp=partial(_gcp, arguments, community) if community else None,
    )


def limits_of(arguments: PushArguments, knobs: Knobs) -> Limits:
    """How much is done at a time: as much as both workflows may, where both are pushed."""
    steps = uploads = 0
    if arguments.community is not None:
        steps, uploads = steps + knobs.community_steps, uploads + _COMMUNITY_UPLOADS
    if arguments.marketplace:
        steps, uploads = steps + knobs.market_steps, uploads + knobs.market_uploads
    return Limits(steps=steps, phases={Phase.PREPARE: 2, Phase.UPLOAD: uploads, Phase.RHSM: knobs.rhsm_calls})


def _aws_market(arguments: PushArguments, knobs: Knobs) -> "AwsMarketAsk":
    from penstock.publish.aws.material import PlanRules
    from penstock.publish.awsmarket.push import AwsMarketAsk
    from penstock.publish.awsmarket.rules import UPLOAD_ATTRIBUTES, MarketPace, MarketRules

    ask = AwsMarketAsk(
        rules=MarketRules(upload_attributes=knobs.upload_attributes or UPLOAD_ATTRIBUTES),
        plan=PlanRules(pre_push=arguments.pre_push, skip=arguments.skip),
        market=MarketPace(poll_s=knobs.change_set_poll_s, attempts=knobs.change_set_attempts),
    )
    return hurried.hurried_aws_market(ask) if arguments.hurried else ask


def _azure_market(arguments: PushArguments, knobs: Knobs) -> "AzureMarketAsk":
    from penstock.publish.azuremarket.push import AzureMarketAsk
    from penstock.publish.azuremarket.rules import MarketRules

    uploads_only = arguments.pre_push or {Phase.PRE_PUBLISH, Phase.PUBLISH} <= arguments.skip
    rules = MarketRules(pre_push=uploads_only, allow_draft=arguments.allow_draft, skip=arguments.skip)
    rules = replace(rules, container=knobs.container) if knobs.container else rules
    ask = AzureMarketAsk(rules=rules, concurrency=knobs.azure_pieces)
    return hurried.hurried_azure_market(ask) if arguments.hurried else ask


def _community(arguments: PushArguments, community: CommunityArguments, knobs: Knobs) -> "CommunityAsk":
    from penstock.publish.aws.material import PlanRules
    from penstock.publish.community.enrichment import EnrichmentRules
    from penstock.publish.community.push import CommunityAsk

    ask = CommunityAsk(
        enrichment=EnrichmentRules(
            beta=community.beta, require_billing_codes=knobs.require_billing_codes, container_prefix=community.container_prefix
        ),
        plan=PlanRules(
            pre_push=arguments.pre_push,
            ebs_direct=community.ebs_direct,
            replicate_copy=community.replicate_copy,
            snapshot_per_type=community.snapshot_per_type,
            skip=arguments.skip,
        ),
    )
    return hurried.hurried_community(ask) if arguments.hurried else ask


def _galleries(arguments: PushArguments, community: CommunityArguments, knobs: Knobs) -> "GalleriesAsk":
    from penstock.model.push.blobs import DEFAULT_CONTAINER
    from penstock.publish.galleries.planning import GalleryRules
    from penstock.publish.galleries.push import GalleriesAsk

    rules = GalleryRules(pre_push=arguments.pre_push, skip=arguments.skip, container=knobs.container or DEFAULT_CONTAINER)
    ask = GalleriesAsk(plan=rules, beta=community.beta, concurrency=knobs.azure_pieces)
    return hurried.hurried_galleries(ask) if arguments.hurried else ask


def _gcp(arguments: PushArguments, community: CommunityArguments) -> "GcpAsk":
    from penstock.publish.gcp.planning import GcpRules
    from penstock.publish.gcp.push import GcpAsk

    ask = GcpAsk(plan=GcpRules(pre_push=arguments.pre_push, skip=arguments.skip), beta=community.beta)
    return hurried.hurried_gcp(ask) if arguments.hurried else ask
