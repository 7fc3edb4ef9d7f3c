"""The waiting of a rehearsal: what simulators bring comes soon, and is looked for often; how long it may take in all stays as it is."""

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.publish.awsmarket.push import AwsMarketAsk
    from penstock.publish.azuremarket.push import AzureMarketAsk
    from penstock.publish.community.push import CommunityAsk
    from penstock.publish.galleries.push import GalleriesAsk
    from penstock.publish.gcp.push import GcpAsk

_FIRST_S = 0.05
_POLL_S = 0.25


def hurried_community(ask: "CommunityAsk") -> "CommunityAsk":
    """Of communities on AWS."""
    return replace(ask, pace=replace(ask.pace, first_poll_s=_FIRST_S, poll_s=_POLL_S))


def hurried_aws_market(ask: "AwsMarketAsk") -> "AwsMarketAsk":
    """Of AWS Marketplace."""
    pace = replace(ask.pace, first_poll_s=_FIRST_S, poll_s=_POLL_S)
    attempts = int(ask.market.attempts * max(1.0, ask.market.poll_s / _POLL_S))
    return replace(ask, pace=pace, market=replace(ask.market, first_poll_s=_FIRST_S, poll_s=_POLL_S, attempts=attempts))


def hurried_azure_market(ask: "AzureMarketAsk") -> "AzureMarketAsk":
    """Of Azure's marketplace."""
    pace = replace(ask.pace, first_poll_s=_FIRST_S, poll_s=_POLL_S, between_s=_POLL_S)
    return replace(ask, pace=pace, blob_pace=replace(ask.blob_pace, poll_s=_POLL_S))


def hurried_galleries(ask: "GalleriesAsk") -> "GalleriesAsk":
    """Of compute galleries."""
    return replace(ask, pace=replace(ask.pace, poll_s=_POLL_S))


def hurried_gcp(ask: "GcpAsk") -> "GcpAsk":
    """Of Google Cloud."""
    return replace(ask, pace=replace(ask.pace, first_poll_s=_FIRST_S, poll_s=_POLL_S))
