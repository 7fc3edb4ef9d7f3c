"""Whether the documents of a release payload fit together; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from penstock.model.errors import ExitCode, InputError, NotFoundError, PenstockError, TransientError, VerificationError
from penstock.model.record import given
from penstock.model.release import EXTENSIONS_SUFFIX, Label
from penstock.model.versions import ReleaseVersion
from penstock.payload.components import lone_os_images
from penstock.payload.release import Release
from penstock.payload.versions import Report, disagreements, reports_of


class ProblemKind(StrEnum):
    """What a problem means for the one who asked."""

    WRONG = "wrong"
    """Bytes or documents are not what they must be, or a thing that is named does not exist."""
    REFUSED = "refused"
    """It could not be looked at, and trying again will not help."""
    UNAVAILABLE = "unavailable"
    """It could not be looked at now."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a payload.

    Attributes:
        subject: the object: a pullspec, a blob, a document.
        message: what is wrong with it.
        kind: what that means.
    """

    subject: str
    message: str
    kind: ProblemKind

    @classmethod
    def of(cls, error: PenstockError, subject: str) -> Self:
        """The problem that an error is."""
        if isinstance(error, TransientError):
            kind = ProblemKind.UNAVAILABLE
        elif isinstance(error, VerificationError | NotFoundError | InputError):
            kind = ProblemKind.WRONG
        else:
            kind = ProblemKind.REFUSED
        told = error.message if error.subject in ("", subject) else f"{error.subject}: {error.message}"
        return cls(subject, told, kind)


def exit_code_of(problems: Iterable[Problem]) -> ExitCode:
    """What the program ends with: wrong content goes before what could not be looked at."""
    kinds = {problem.kind for problem in problems}
    if ProblemKind.WRONG in kinds:
        return ExitCode.MISMATCH
    if ProblemKind.UNAVAILABLE in kinds:
        return ExitCode.TRY_AGAIN
    return ExitCode.FAILED if kinds else ExitCode.DONE


def check_release(release: Release, labels_of: Mapping[str, Mapping[str, str]]) -> list[Problem]:
    """What is wrong with the documents of one release image.

    Args:
        release: the release image.
        labels_of: the labels of each component's image, by its tag.
    """
    subject = str(release.asked)
    told = [*_names(release), *_versions(release), *_tags(release), *_boot_images(release)]
    told += [f"the OS image {name} comes without its extensions ({name}{EXTENSIONS_SUFFIX})" for name in lone_os_images(labels_of)]
    return [Problem(subject, message, ProblemKind.WRONG) for message in told]


def _names(release: Release) -> Iterator[str]:
    metadata = release.metadata
    if metadata is None:
        yield "it has no release-metadata"
    elif not given(metadata.version):
        yield "release-metadata says no version"
    try:
        ReleaseVersion(release.version)
    except InputError as error:
        yield f"its version is none: {error.message}"
    if release.name != release.version:
        yield f"image-references says {release.name or 'no name'}, release-metadata {release.version}"
    label = release.image.config.labels.get(Label.RELEASE)
    if label != release.version:
        yield f"the label {Label.RELEASE} says {label or 'nothing'}, release-metadata {release.version}"


def _tags(release: Release) -> Iterator[str]:
    names = [tag.name for tag in release.references.tags]
    if not names:
        yield "it has no components"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the component {name} stands in image-references {names.count(name)} times"


def _versions(release: Release) -> Iterator[str]:
    reports: list[Report] = []
    for tag in release.references.tags:
        try:
            reports += reports_of(tag)
        except InputError as error:
            yield str(error)
    yield from disagreements(reports)


def _boot_images(release: Release) -> Iterator[str]:
    try:
        found = release.bootimages
    except VerificationError as error:
        yield f"the boot images cannot be read: {error.message}"
        return
    if found is not None and found.release_version != release.version:
        yield f"the boot images are stamped {found.release_version or 'with nothing'}, not {release.version}"
