"""What the resource manager's answers mean: documents, and refusals in its own words.

Whether a 404 means "nobody publishes that" or "you asked the wrong place" decides whether an entry may go, so only the codes that are
known to mean the first do.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.transport import Answer
from penstock.formats.jsontext import parse_json
from penstock.model.arch import Arch
from penstock.model.catalogue import AzureImageDetails, AzureSku, GalleryVersion, ImageDeprecated, Lifecycle
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError
from penstock.model.marketplace import Generation
from penstock.model.record import Tree

_LONGEST_ANSWER_BYTES = 64 << 20
_NOTHING_THERE = frozenset(
    {
        "ArtifactNotFound",
        "CommunityGalleryImageNotFound",
        "CommunityGalleryNotFound",
        "GalleryImageNotFound",
        "GalleryNotFound",
        "ImageNotFound",
        "NotFound",
        "PlatformImageNotFound",
        "ResourceNotFound",
    }
)
_DEPRECATED = "ImageVersionDeprecated"
_ARCHES = {"x64": Arch.X86_64, "arm64": Arch.AARCH64}
_GENERATIONS = {"v1": Generation.GEN1, "v2": Generation.GEN2}
_LIFECYCLES = {"scheduledfordeprecation": Lifecycle.SCHEDULED, "deprecated": Lifecycle.DEPRECATED}


def read_answer(answer: Answer, *, subject: str) -> Tree:
    """The document of an answer.

    Raises:
        ImageDeprecated: the version can no longer be used.
        NotFoundError: what was asked for is not there.
        OperationError: another refusal, or no document.
    """
    if answer.status != HTTPStatus.OK:
        raise _refusal(answer, subject)
    try:
        return parse_json(answer.body, subject=subject, limit_bytes=_LONGEST_ANSWER_BYTES)
    except InputError as error:
        raise OperationError(f"{place_of(answer.url)} sent no JSON: {error.message}", subject=subject, hint="check the address") from None


def _refusal(answer: Answer, subject: str) -> PenstockError:
    code = _code(answer)
    place = place_of(answer.url)
    if answer.status == HTTPStatus.NOT_FOUND and code == _DEPRECATED:
        return ImageDeprecated("is deprecated", subject=subject)
    if answer.status == HTTPStatus.NOT_FOUND and code in _NOTHING_THERE:
        return NotFoundError(f"{place} does not have it", subject=subject)
    said = f"{place} answered {status_text(answer.status)}" + (f" ({code})" if code else "")
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            hint = "log in again, or give a fresh token; it must be for this cloud"
        case HTTPStatus.FORBIDDEN:
            hint = "the account needs the right to read images: the role Reader on the subscription"
        case HTTPStatus.NOT_FOUND:
            hint = "check the endpoint, the subscription and the region"
        case _:
            hint = "check the API version, the subscription and the region"
    return OperationError(said, subject=subject, hint=hint)


def _code(answer: Answer) -> str:
    """``error.code`` of a refusal; its message is left where it is, because it quotes what it was given."""
    try:
        tree = parse_json(answer.body, subject="")
    except PenstockError:
        return ""
    error = _member(tree, "error")
    code = _text(_member(error, "code"))
    return code if code.isascii() and code.isalnum() and len(code) <= 64 else ""


def names_of(tree: Tree, *, subject: str) -> tuple[str, ...]:
    """The names in a listing: a bare array, as the API of images has it.

    Raises:
        OperationError: it is none.
    """
    names = [_text(_member(item, "name")) for item in tree] if isinstance(tree, list) else [""]
    if not all(names):
        raise OperationError("the answer is no listing of versions", subject=subject, hint="check the endpoint and the API version")
    return tuple(names)


def details_of(tree: Tree, sku: AzureSku, version: str) -> AzureImageDetails:
    """One version; whatever an old API leaves out is not told.

    Raises:
        OperationError: it is no version.
    """
    if not isinstance(tree, Mapping):
        raise OperationError("the answer is no image", subject=sku.urn(version), hint="check the endpoint and the API version")
    properties = _member(tree, "properties")
    plan = tuple(_text(_member(_member(properties, "plan"), key)) for key in ("publisher", "product", "name"))
    status = _member(properties, "imageDeprecationStatus")
    return AzureImageDetails(
        sku=sku,
        version=version,
        arch=_ARCHES.get(_text(_member(properties, "architecture")).lower()),
        generation=_GENERATIONS.get(_text(_member(properties, "hyperVGeneration")).lower()),
        plan=(plan[0], plan[1], plan[2]) if any(plan) else None,
        lifecycle=_LIFECYCLES.get(_text(_member(status, "imageState")).lower(), Lifecycle.ACTIVE),
        deprecated_on=_moment(_member(status, "scheduledDeprecationTime")),
    )


def gallery_page(tree: Tree, gallery: str, image: str) -> tuple[list[GalleryVersion], str | None]:
    """One page of a gallery's versions, and the address of the next one.

    Raises:
        OperationError: it is none.
    """
    items = _member(tree, "value")
    if not isinstance(items, list):
        raise OperationError("the answer is no page of a gallery", subject=f"{gallery}/{image}", hint="check the endpoint")
    return [_gallery_version(item, gallery, image) for item in items], _text(_member(tree, "nextLink")) or None


def _gallery_version(item: Tree, gallery: str, image: str) -> GalleryVersion:
    properties = _member(item, "properties")
    tags = _member(properties, "artifactTags")
    return GalleryVersion(
        gallery=gallery,
        image=image,
        version=_text(_member(item, "name")),
        published=_moment(_member(properties, "publishedDate")),
        end_of_life=_moment(_member(properties, "endOfLifeDate")),
        excluded_from_latest=_member(properties, "excludeFromLatest") is True,
        tags={key: value for key, value in tags.items() if isinstance(value, str)} if isinstance(tags, Mapping) else {},
    )


def _member(tree: Tree, key: str) -> Tree:
    return tree.get(key) if isinstance(tree, Mapping) else None


def _text(tree: Tree) -> str:
    return tree if isinstance(tree, str) else ""


def _moment(tree: Tree) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(tree))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
