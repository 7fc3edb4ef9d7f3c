"""Whether what stands in a gallery is what is wanted; pure."""

from dataclasses import dataclass

from penstock.formats.gallerymeta import plain_location
from penstock.model.digest import Digest
from penstock.model.push.galleries import COMMUNITY, CONTENT_TAG, DefinitionWish, FoundDefinition, FoundGallery, FoundVersion
from penstock.publish.plan import Verdict

_LOST = frozenset({"failed", "deleting", "canceled"})


class GalleryConflict(Exception):
    """Something else has the name, or what stands there cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class GalleryJudged:
    """What becomes of a gallery, a definition or a version."""

    verdict: Verdict
    reason: str


def judge_gallery(name: str, found: FoundGallery | None, *, community: bool) -> GalleryJudged:
    """What becomes of a gallery.

    Raises:
        GalleryConflict: it cannot be used, or cannot be shared with everybody.
    """
    if found is None:
        return GalleryJudged(Verdict.CREATE, "there is no such gallery")
    _must_stand(f"the gallery {name}", found.state)
    if community and found.permissions != COMMUNITY:
        how = found.permissions or "Private"
        raise GalleryConflict(
            f"the gallery {name} is {how}, and can only be shared with everybody where it was made for that; make another"
        )
    return _there(found.state, "it is there")


def judge_definition(name: str, wanted: DefinitionWish, found: FoundDefinition | None) -> GalleryJudged:
    """What becomes of an image definition, of which nothing can be changed.

    Raises:
        GalleryConflict: it is for other machines.
    """
    if found is None:
        return GalleryJudged(Verdict.CREATE, "there is no such image definition")
    _must_stand(f"the image definition {name}", found.state)
    told = (
        ("architecture", found.architecture or "x64", wanted.architecture),
        ("generation", found.generation or "V1", wanted.generation),
        ("operating system", found.os_type, "Linux"),
    )
    for what, has, wants in told:
        if has.lower() != wants.lower():
            raise GalleryConflict(f"the image definition {name} is of {what} {has}, not {wants}; push to another one")
    return _there(found.state, "it is there")


def judge_version(name: str, content: Digest, found: FoundVersion | None) -> GalleryJudged:
    """What becomes of a version.

    Raises:
        GalleryConflict: it holds something else.
    """
    if found is None:
        return GalleryJudged(Verdict.CREATE, "there is no such version")
    if found.content is None:
        mark = f"{CONTENT_TAG}={content.hex}"
        raise GalleryConflict(f"the version {name} is there, and nothing tells what is in it; tag it {mark} or delete it")
    if found.content != content:
        raise GalleryConflict(f"the version {name} has other content (sha256 {found.content.short}, not {content.short}); delete it")
    if found.state.lower() == "failed":
        return GalleryJudged(Verdict.CREATE, "it failed before, and is made again")
    _must_stand(f"the version {name}", found.state)
    return _there(found.state, "same version and content")


def is_shared(found: FoundGallery | None) -> bool:
    """Whether everybody finds a gallery."""
    return found is not None and bool(found.public_names)


def covers(found: FoundVersion, regions: tuple[str, ...]) -> bool:
    """Whether a version is in all these regions."""
    return {plain_location(each) for each in regions} <= {plain_location(each) for each in found.regions}


def _must_stand(what: str, state: str) -> None:
    if state.lower() in _LOST:
        raise GalleryConflict(f"{what} is in state {state}; delete it")


def _there(state: str, reason: str) -> GalleryJudged:
    """One that is changed by somebody (``Updating``) can be used; one that is being made is waited for."""
    return GalleryJudged(Verdict.RESUME, "it is being made") if state.lower() == "creating" else GalleryJudged(Verdict.REUSE, reason)
