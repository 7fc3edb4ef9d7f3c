"""From what somebody types to artifacts of the ledger."""

from penstock.model.errors import InputError, NotFoundError
from penstock.model.imageref import ImageRef, parse_reference
from penstock.model.lineage import Artifact
from penstock.ports import Ledger


def readings(text: str) -> tuple[str, ...]:
    """What ``text`` may stand under in a ledger, the most literal first.

    A pullspec is also looked for as it is normally written, and by its digest: an image keeps that when a mirror gives it another name.
    """
    found = [text]
    try:
        ref = parse_reference(text)
    except InputError:
        return (text,)
    found.append(str(ref))
    if isinstance(ref, ImageRef) and ref.digest is not None and ref.tag is not None:
        found.append(str(ref.with_digest(ref.digest)))
    if ref.digest is not None:
        found.append(str(ref.digest))
    return tuple(dict.fromkeys(found))


async def find_artifacts(ledger: Ledger, text: str, *, path: str = "", place: str = "the default place") -> list[Artifact]:
    """The artifacts of a digest, the beginning of one, a pullspec, a version or a name; oldest first, never empty.

    Args:
        ledger: where to look.
        text: what somebody typed, or the digest of the file they named.
        path: that file, for the message.
        place: where the ledger is, for the message; without password.

    Raises:
        NotFoundError: the ledger has nothing under it.
        OperationError: the ledger cannot be read.
    """
    for reading in readings(text):
        found = await ledger.find(reading)
        if found:
            return found
    if path:
        raise NotFoundError(
            f"no record of this file's content ({text}) in the ledger at {place}",
            subject=path,
            hint="was it made with another --ledger? (a name of the same spelling is found from a folder without such a file)",
        )
    raise NotFoundError(
        f"no record of it in the ledger at {place}",
        subject=text,
        hint="try the file itself, its sha256, a pullspec or a version; --ledger names another ledger",
    )
