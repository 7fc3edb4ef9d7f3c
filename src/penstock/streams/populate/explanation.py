"""What a search for images came to, candidate by candidate, as plain data."""

from collections.abc import Iterable
from typing import Any

from penstock.streams.populate.azure import Judged, Search
from penstock.streams.populate.plan import Change
from penstock.streams.populate.report import change_document
from penstock.streams.populate.request import PopulateRequest


def explanation_document(
    request: PopulateRequest, explained: Iterable[tuple[Search, Change]], *, stream: str, notes: Iterable[str]
) -> dict[str, Any]:
    """Every slot with every candidate, in rank order.

    Args:
        request: what was looked for.
        explained: each search, with what populate would do about it.
        stream: what the stream's file is called.
        notes: how the releases were found.
    """
    return {
        "document_version": 1,
        "stream": stream,
        "choice": request.choice.value,
        "release": request.release.text if request.release else None,
        "notes": list(notes),
        "slots": [_slot(search, change) for search, change in explained],
    }


def _slot(search: Search, change: Change) -> dict[str, Any]:
    target = search.target
    return {
        **change_document(change),
        "wanted": str(target.build) if target.build else None,
        "wanted_version": target.version or None,
        "wanted_rhel": str(target.rhel) if target.build else str(target.rhel.major),
        "releases": [str(release) for release in target.releases],
        "series": [
            {"sku": str(listing.sku), "found": listing.found, "candidate_count": len(listing.candidates)} for listing in search.listings
        ],
        "candidates": [_candidate(judged) for judged in search.judged],
    }


def _candidate(judged: Judged) -> dict[str, Any]:
    candidate = judged.ranked.candidate
    version = candidate.version
    return {
        "candidate": candidate.sku.urn(candidate.text),
        "version": candidate.text,
        "rhel": str(version.rhel) if version else None,
        "openshift": str(version.ocp) if version and version.ocp else None,
        "day": version.day.isoformat() if version else None,
        "hour": version.hour if version else None,
        "verdict": judged.verdict.value,
        "rule": judged.ranked.rule.value,
        "reason": judged.ranked.reason,
    }
