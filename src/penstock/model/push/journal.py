"""What is written down while a push runs: every id that the outside gave, before anything else is done with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ExternalId(StrEnum):
    """What kind of id a step has got from outside; the value is the key in the journal."""

    UPLOAD = "upload"
    PARTS = "parts"
    """``N/M``: for people; the parts themselves are asked of S3."""
    BUCKET = "bucket"
    OBJECT = "object"
    """The key in the bucket."""
    IMPORT_TASK = "import-task"
    SNAPSHOT = "snapshot"
    IMAGE = "image"
    PATH = "path"
    RHSM = "rhsm"
    """``created`` or ``updated``."""
    BLOB = "blob"
    """Its address, without a signature."""
    CHANGE_SET = "change-set"
    """Of AWS Marketplace."""
    JOB = "job"
    """A ``configure`` job of Azure's product ingestion."""
    OPERATION = "operation"
    """What runs for long at Azure or Google: an id, or an address without a query."""
    VERSION = "version"
    """What the marketplace or the gallery calls it: a title, ``9.4.2026051113``."""
    RESOURCE = "resource"
    """The id or address of anything else that was made."""
    DELETED = "deleted"
    """``deleted``, ``missing`` or ``kept``."""


Ids = Mapping[ExternalId, str]
"""What a step made, or has got so far."""


class EventKind(StrEnum):
    """What a line of a journal tells."""

    RUN_STARTED = "run-started"
    PLANNED = "planned"
    """``detail`` is the JSON of the plan."""
    STEP_STARTED = "step-started"
    STEP_NOTED = "step-noted"
    """Ids are known, and the step goes on."""
    STEP_RETRIED = "step-retried"
    STEP_DONE = "step-done"
    STEP_FAILED = "step-failed"
    RESULT = "result"
    """``detail`` is the JSON of the result."""
    RUN_ENDED = "run-ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEvent:
    """A line of a journal.

    Attributes:
        kind: what happened.
        at_s: seconds since the epoch, with their fraction.
        run: the id of the run.
        step: the id of the step, ``""`` for what is of the run as a whole.
        ids: what is known now.
        detail: of a retry or a failure what was said, never a secret; of other kinds see :class:`EventKind`.
    """

    kind: EventKind
    at_s: float
    run: str
    step: str = ""
    ids: Ids = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as a list shows it.

    Attributes:
        id: see ``ports.PushJournal.run_id``; ``""`` until it has one.
        command: ``community-push``.
        sources: as they were given, without what may be secret.
        started_at_s: seconds since the epoch.
        process: the id of the process.
        alive: whether it still runs.
        outcome: the words of the last event, ``""`` where it never ended.
    """

    id: str
    command: str
    sources: tuple[str, ...]
    started_at_s: float
    process: int
    alive: bool = False
    outcome: str = ""
