"""What both shells of pushes and deletions are asked: the same values, whichever of them read the words."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from penstock.model.errors import InputError
from penstock.model.push.accounts import CredentialSet
from penstock.publish.actions import Phase
from penstock.wiring.publish import CloudEndpoints, RhsmSettings, StarmapSettings

CONTAINER_PREFIX: Final = "redhat-cloudimg"
_FIXED_STEPS: Final = ("load", "map", "check-metadata", "collect")
"""Steps that have names, and without which nothing can be pushed."""
_IMAGES: Final = (Phase.PREPARE, Phase.UPLOAD, Phase.IMPORT, Phase.REGISTER, Phase.SHARE)
_COMMUNITY: Final = (*_IMAGES, Phase.RHSM, Phase.PUBLIC, Phase.PUBLISH, Phase.RESTRICT)
"""Of AWS the first seven; galleries and Google Cloud publish the newest of a family, and put others out of use."""
_MARKETPLACE: Final = (*_IMAGES, Phase.PRE_PUBLISH, Phase.PUBLISH, Phase.RESTRICT)


class PushCommand(StrEnum):
    """The commands that push; the value is their name."""

    COMMUNITY = "community-push"
    MARKETPLACE = "marketplace-push"
    COMBINED = "push"

    @property
    def called(self) -> str:
        """For people: ``community push``."""
        return self.value.replace("-", " ")

    @property
    def steps(self) -> tuple[Phase, ...]:
        """Those that ``--skip`` may name, in their order."""
        known = {PushCommand.COMMUNITY: _COMMUNITY, PushCommand.MARKETPLACE: _MARKETPLACE}
        return known.get(self, tuple(each for each in Phase if each in {*_COMMUNITY, *_MARKETPLACE}))


class WorkflowChoice(StrEnum):
    """The values of ``push --workflow``."""

    MARKETPLACE = "marketplace"
    COMMUNITY = "community"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityArguments:
    """What community workflows alone are told.

    Attributes:
        rhsm: how RHSM is reached.
        beta: every release is a beta.
        container_prefix: of buckets.
        ebs_direct: snapshots are written block by block.
        replicate_copy: snapshots are imported once and copied.
        snapshot_per_type: each billing type has its own.
    """

    rhsm: RhsmSettings = field(default_factory=RhsmSettings)
    beta: bool = False
    container_prefix: str = CONTAINER_PREFIX
    ebs_direct: bool = False
    replicate_copy: bool = False
    snapshot_per_type: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PushArguments:
    """A push, as the user asked for it.

    Attributes:
        command: which.
        sources: ``staged:/dir``, ``koji:https://…``.
        credentials: paths or base64, apart by commas; secret.
        starmap: where mappings come from.
        community: of community workflows; None where none of them is asked for.
        marketplace: whether marketplaces are pushed to.
        skip: phases that are left out.
        pre_push: nothing is made available.
        allow_draft: drafts of Azure's marketplace that somebody changed are published too.
        state: of journals; None for the usual place.
        emit_stream: where the stream's part is written, or None.
        stream_name: of that stream; None for the build's name.
        proposed: whether it may use places that are proposed only.
        ledger: where receipts are recorded; None for the usual place.
        results: where the folder of the run's results is made.
        endpoints: where clouds are asked; a rehearsal has its own.
        accounts: credentials in the place of those that ``credentials`` names; a rehearsal makes them up.
        hurried: what is waited for comes soon, as simulators bring it: it is looked for often.
    """

    command: PushCommand
    sources: tuple[str, ...]
    credentials: str = field(default="", repr=False)
    starmap: StarmapSettings = field(default_factory=StarmapSettings)
    community: CommunityArguments | None = None
    marketplace: bool = False
    skip: frozenset[Phase] = frozenset()
    pre_push: bool = False
    allow_draft: bool = False
    state: Path | None = None
    emit_stream: Path | None = None
    stream_name: str | None = None
    proposed: bool = False
    ledger: str | None = None
    results: Path = Path("artifacts")
    endpoints: CloudEndpoints = field(default_factory=CloudEndpoints)
    accounts: CredentialSet | None = field(default=None, repr=False)
    hurried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteArguments:
    """A deletion, as the user asked for it.

    Attributes:
        sources: ``pub:https://…?task_id=N``.
        builds: NVRs of which images are deleted.
        limit: ids of AMIs or names of VHDs; None for all of the builds.
        credentials: as of a push.
        rhsm: how RHSM is reached.
        keep_snapshot: AMIs go, and their snapshots stay.
        state: as of a push.
        ledger: as of a push.
    """

    sources: tuple[str, ...]
    builds: frozenset[str]
    limit: frozenset[str] | None = None
    credentials: str = field(default="", repr=False)
    rhsm: RhsmSettings = field(default_factory=RhsmSettings)
    keep_snapshot: bool = False
    state: Path | None = None
    ledger: str | None = None


def workflows_of(command: PushCommand, choice: WorkflowChoice, community: CommunityArguments) -> tuple[CommunityArguments | None, bool]:
    """``community`` and ``marketplace`` of :class:`PushArguments`; ``choice`` counts for the combined push alone."""
    both = command is PushCommand.COMBINED and choice is WorkflowChoice.ALL
    to_market = both or command is PushCommand.MARKETPLACE or (command is PushCommand.COMBINED and choice is WorkflowChoice.MARKETPLACE)
    return (community if both or not to_market else None), to_market


def phases_to_skip(values: Iterable[str], command: PushCommand) -> frozenset[Phase]:
    """The phases that ``--skip`` names: lists with commas, any number of them.

    Raises:
        InputError: a word is no step of the command, or one that cannot be left out.
    """
    return frozenset(_phase(word, command) for word in split_words(values))


def split_words(values: Iterable[str]) -> tuple[str, ...]:
    """The words of lists with commas, each once, in order."""
    words = (word.strip() for value in values for word in value.split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def _phase(word: str, command: PushCommand) -> Phase:
    if word in _FIXED_STEPS:
        raise InputError(f"{word!r} cannot be left out: nothing could be pushed", subject="--skip")
    found = next((each for each in command.steps if each.value == word), None)
    if found is None:
        raise InputError(f"{word!r} is no step of a {command.called}", subject="--skip", hint=f"steps: {', '.join(command.steps)}")
    return found
