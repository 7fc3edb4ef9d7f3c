"""Artifact, Edge, Kind and Progress: plain values that cannot change."""

import dataclasses

import pytest

from penstock.model.digest import Digest
from penstock.model.lineage import Artifact, Direction, Edge, Kind
from penstock.model.progress import Progress


def test_an_artifact_is_known_by_kind_and_key() -> None:
    digest = Digest.of(b"layer")
    artifact = Artifact(Kind.LAYER, str(digest), digest)
    assert artifact.id == ("layer", str(digest))
    assert (dict(artifact.facts), artifact.names) == ({}, frozenset())


def test_artifacts_do_not_share_their_default_facts() -> None:
    assert Artifact(Kind.FILE, "a").facts is not Artifact(Kind.FILE, "b").facts


def test_kinds_and_directions_are_stored_words() -> None:
    assert {kind.value for kind in Kind} >= {"file", "layer", "image", "image-index", "release", "release-index", "stream"}
    assert [str(direction) for direction in Direction] == ["up", "down"]


@pytest.mark.parametrize(
    ("value", "name"),
    [(Artifact(Kind.FILE, "a"), "key"), (Edge(("file", "a"), ("file", "b"), "copied"), "why"), (Progress("push", "a"), "done_bytes")],
    ids=["artifact", "edge", "progress"],
)
def test_values_cannot_change(value: object, name: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, "other")


def test_progress_starts_at_nothing_of_an_unknown_total() -> None:
    progress = Progress("extract", "coreos.iso")
    assert (progress.done_bytes, progress.total_bytes, progress.finished) == (0, None, False)
