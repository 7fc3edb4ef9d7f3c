"""The history of a stream's images, from the history of its file or from the ledger."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from penstock.formats.stream import parse_stream_document
from penstock.model.errors import InputError, NotFoundError
from penstock.model.lineage import Artifact, Direction, Kind
from penstock.ports import FileHistory, FileVersion, Ledger
from penstock.streams.history.periods import Moment, Period, PeriodBuilder, Question
from penstock.streams.history.slots import Carried, HistorySlot, slots_of

_DOCUMENTS = (Kind.STREAM, Kind.MARKETPLACE)
_IMAGES = (Kind.CLOUD_IMAGE, Kind.FILE)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A state that could not be read.

    Attributes:
        moment: which.
        reason: why, for people.
    """

    moment: Moment
    reason: str


@dataclass(frozen=True, slots=True)
class History:
    """What was asked for.

    Attributes:
        periods: by slot, oldest first.
        states: how many states were read.
        passed_over: those that could not be; the states around them are taken to be neighbours.
    """

    periods: tuple[Period, ...]
    states: int
    passed_over: tuple[PassedOver, ...] = ()


async def history_of_file(history: FileHistory, question: Question, *, subject: str) -> History:
    """The periods of a stream document or a marketplace file, which errors call ``subject``.

    Raises:
        NotFoundError: no state of the file has such an image.
        PenstockError: the history cannot be read.
    """
    builder, passed_over, states = PeriodBuilder(), [], 0
    async with aclosing(cast("AsyncGenerator[FileVersion, None]", history.versions())) as versions:
        async for version in versions:
            moment = Moment(version.commit, version.committed_at_s)
            try:
                document = None if version.content is None else parse_stream_document(version.content, subject=version.path)
            except InputError as error:
                passed_over.append(PassedOver(moment, str(error)))
                continue
            states += 1
            builder.add(moment, {} if document is None else slots_of(document))
    matching = question.matching(builder.periods())
    if not matching:
        raise _nothing(question, subject, passed_over)
    return History(matching, states, tuple(passed_over))


async def history_in_ledger(ledger: Ledger, question: Question, *, name: str) -> History:
    """The periods of the documents that the ledger knows, in the order in which they were recorded.

    Args:
        ledger: what to ask.
        question: which periods.
        name: of the file, or its digest; ``""`` for all that carried the image that is asked for.

    Raises:
        NotFoundError: the ledger has no such document, or none with such an image.
        OperationError: the ledger cannot be read.
    """
    names = [name] if name else await _documents_with(ledger, question.image)
    files = [group for one in names for group in _states_of_files(await ledger.find(one))]
    if not files:
        raise NotFoundError("the ledger has no such stream or marketplace file", subject=name or question.image, hint=_LEDGER_HINT)
    periods: list[Period] = []
    for documents in files:
        builder = PeriodBuilder()
        for document in documents:
            builder.add(_moment(document), await _slots_in_ledger(ledger, document))
        periods += builder.periods()
    matching = question.matching(periods)
    if not matching:
        raise _nothing(question, name)
    return History(matching, sum(len(documents) for documents in files))


_LEDGER_HINT = "populate, generate and mirror record them; --ledger names another ledger, --from git asks a repository"


def _nothing(question: Question, subject: str, passed_over: Sequence[PassedOver] = ()) -> NotFoundError:
    unread = f"; {len(passed_over)} could not be read, the last one: {passed_over[-1].reason}" if passed_over else ""
    message = f"no state of the file has {question.image or 'such an image'}{unread}"
    return NotFoundError(message, subject=subject, hint="ask with fewer options, or check the name")


async def _documents_with(ledger: Ledger, image: str) -> list[str]:
    """What the documents are called that carried an image: each by one name, its longest (the file's), or by its digest."""
    names: dict[str, None] = {}
    for artifact in await ledger.find(image):
        if artifact.kind in _IMAGES:
            async for edge, made in ledger.walk(artifact, Direction.DOWN):
                if edge.source == artifact.id and made.kind in _DOCUMENTS:
                    names[max(sorted(made.names), key=len, default=made.key)] = None
    return list(names)


def _states_of_files(found: Sequence[Artifact]) -> list[list[Artifact]]:
    """The documents among what one name stands for, those of each kind together: they are the states of one file."""
    groups = [[artifact for artifact in found if artifact.kind is kind] for kind in _DOCUMENTS]
    return [group for group in groups if group]


async def _slots_in_ledger(ledger: Ledger, document: Artifact) -> dict[HistorySlot, Carried]:
    slots: dict[HistorySlot, Carried] = {}
    async for edge, source in ledger.walk(document, Direction.UP):
        slot = HistorySlot.parse(edge.why) if edge.made == document.id and source.kind in _IMAGES else None
        if slot is not None:
            slots[slot] = _carried(source)
    return slots


def _carried(source: Artifact) -> Carried:
    release = source.facts.get("release")
    image = min(source.names, default=source.key) if source.kind is Kind.FILE else source.key
    sha256 = source.digest.hex if source.digest is not None else None
    return Carried(image, str(release) if release else None, sha256, source.names)


def _moment(document: Artifact) -> Moment:
    told = document.facts.get("last_modified")
    try:
        at_s = int(datetime.fromisoformat(str(told)).timestamp()) if told else None
    except ValueError:
        at_s = None
    return Moment(document.key, at_s)
