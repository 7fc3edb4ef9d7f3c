"""Update metadata of a Fedora CoreOS stream (``updates/<stream>.json``): which releases a node may pass over, and how fast one rolls out.

coreos/fedora-coreos-tracker: ``metadata/stream/updates``; the key order is that of most published files; a file keeps its own.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET as _UNSET

from penstock.model.record import Maybe, Record


class Reason(Record, frozen=True, kw_only=True):
    """Why a release is a barrier or a dead end: the address of a page."""

    reason: str


class Rollout(Record, frozen=True, kw_only=True):
    """How a release reaches the nodes; a finished rollout keeps its percentage, 1.0, alone."""

    duration_minutes: Any = _UNSET
    """A number, in the spelling of the document: ``1.0`` and ``1`` are the same rollout and other bytes; so are those below."""
    start_epoch: Any = _UNSET
    """Seconds since the epoch."""
    start_percentage: Any = _UNSET
    """Between 0.0 and 1.0."""


class UpdateMetadata(Record, frozen=True, kw_only=True):
    """What is special about a release."""

    barrier: Maybe[Reason] = _UNSET
    """Nodes must pass through it."""
    deadend: Maybe[Reason] = _UNSET
    """Nodes cannot leave it by themselves."""
    rollout: Maybe[Rollout] = _UNSET


class Update(Record, frozen=True, kw_only=True):
    """A release."""

    version: str
    """For example ``44.20260704.3.0``."""
    metadata: Maybe[UpdateMetadata] = _UNSET


class UpdatesMetadata(Record, frozen=True, kw_only=True, rename="kebab"):
    """About the document."""

    last_modified: Maybe[str] = _UNSET


class Updates(Record, frozen=True, kw_only=True):
    """The update metadata of one stream."""

    stream: str
    metadata: Maybe[UpdatesMetadata] = _UNSET
    releases: Sequence[Update]
    """Oldest first."""
