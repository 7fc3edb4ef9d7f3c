"""What the resource manager's answers about galleries mean."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from penstock.adapters.http.failures import is_transient_status, status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.transport import Answer
from penstock.formats.jsontext import parse_json
from penstock.model.errors import OperationError, PenstockError, TransientError
from penstock.model.push.galleries import FoundDefinition, FoundGallery, FoundVersion
from penstock.model.record import Tree

_LONGEST_WORDS = 300
_QUERY = re.compile(r"\?[^\s'\"]*")
_MISSING = frozenset({"notfound", "resourcenotfound", "parentresourcenotfound", "gallerynotfound", "galleryimagenotfound"})
_BUSY = frozenset({"conflict", "anotheroperationinprogress", "conflictingconcurrentwritenotallowed", "retryableerror"})
_ENDED = frozenset({"failed", "canceled"})


def document_of(answer: Answer, *, subject: str) -> Mapping[str, Tree]:
    """The document of an answer.

    Raises:
        OperationError: a refusal, or no document.
    """
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise refusal_of(answer, subject=subject)
    tree = _tree(answer)
    if not tree:
        raise OperationError(f"{place_of(answer.url)} sent no JSON object", subject=subject, hint="check the endpoint")
    return tree


def is_missing(answer: Answer) -> bool:
    """Whether what was asked for is not there; a subscription or a group that is not there is another thing."""
    code = _text(_part(_tree(answer), "error"), "code").lower()
    return answer.status == HTTPStatus.NOT_FOUND and code in _MISSING


def is_busy(answer: Answer) -> bool:
    """Whether something else of the same resource is under way."""
    code = _text(_part(_tree(answer), "error"), "code").lower()
    return answer.status == HTTPStatus.CONFLICT and code in _BUSY


def refusal_of(answer: Answer, *, subject: str) -> PenstockError:
    """The error of a refusal, in Azure's words; queries, which may hold signatures, are left out."""
    error = _part(_tree(answer), "error")
    code, words = _text(error, "code"), _shown(_text(error, "message"))
    said = f"{place_of(answer.url)} answered {status_text(answer.status)}" + (f" ({code})" if code else "")
    text = f"{said}: {words}" if words else said
    if is_transient_status(answer.status):
        return TransientError(text, subject=subject, hint="run again")
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return OperationError(text, subject=subject, hint="see AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_API_SECRET of the credentials")
    if answer.status == HTTPStatus.FORBIDDEN:
        hint = "the application needs the role Compute Gallery Artifacts Publisher, and to share also Compute Gallery Sharing Admin"
        return OperationError(text, subject=subject, hint=hint)
    return OperationError(text, subject=subject)


def operation_end(answer: Answer, *, subject: str) -> tuple[bool, str]:
    """Whether an operation is over, and why it failed.

    ``Azure-AsyncOperation`` tells a status; ``Location`` answers 202 until it is over.

    Raises:
        OperationError: a refusal.
    """
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise refusal_of(answer, subject=subject)
    tree = _tree(answer)
    status = _text(tree, "status").lower()
    if status in _ENDED:
        error = _part(tree, "error")
        words = _shown(_text(error, "message")) or f"Azure says {status}"
        return True, f"{words} ({_text(error, 'code')})" if error.get("code") else words
    if status:
        return status == "succeeded", ""
    return answer.status != HTTPStatus.ACCEPTED, ""


def found_gallery(tree: Mapping[str, Tree], *, subject: str) -> FoundGallery:
    """A gallery.

    Raises:
        OperationError: it is none.
    """
    properties = _part(tree, "properties")
    sharing = _part(properties, "sharingProfile")
    info = _part(sharing, "communityGalleryInfo")
    names = info.get("publicNames")
    shared = info.get("communityGalleryEnabled") is True and isinstance(names, list)
    return FoundGallery(
        name=_name(tree, subject),
        location=_text(tree, "location"),
        state=_text(properties, "provisioningState"),
        permissions=_text(sharing, "permissions"),
        public_names=tuple(each for each in names if isinstance(each, str)) if shared and isinstance(names, list) else (),
    )


def found_definition(tree: Mapping[str, Tree], *, subject: str) -> FoundDefinition:
    """An image definition.

    Raises:
        OperationError: it is none.
    """
    properties = _part(tree, "properties")
    features = properties.get("features")
    pairs = [each for each in features if isinstance(each, Mapping)] if isinstance(features, list) else []
    return FoundDefinition(
        name=_name(tree, subject),
        state=_text(properties, "provisioningState"),
        generation=_text(properties, "hyperVGeneration"),
        architecture=_text(properties, "architecture"),
        os_type=_text(properties, "osType"),
        features={_text(each, "name"): _text(each, "value") for each in pairs},
    )


def found_version(tree: Mapping[str, Tree], *, subject: str) -> FoundVersion:
    """A version.

    Raises:
        OperationError: it is none.
    """
    properties = _part(tree, "properties")
    profile, tags = _part(properties, "publishingProfile"), _part(tree, "tags")
    regions = profile.get("targetRegions")
    return FoundVersion(
        name=_name(tree, subject),
        state=_text(properties, "provisioningState"),
        tags={key: value for key, value in tags.items() if isinstance(value, str)},
        regions=tuple(_text(each, "name") for each in regions if isinstance(each, Mapping)) if isinstance(regions, list) else (),
        exclude_from_latest=profile.get("excludeFromLatest") is True,
    )


def _name(tree: Mapping[str, Tree], subject: str) -> str:
    name = _text(tree, "name")
    if not name:
        raise OperationError("the answer is no resource", subject=subject, hint="check the endpoint")
    return name


def _shown(text: str) -> str:
    return _QUERY.sub("?…", " ".join(text.split()))[:_LONGEST_WORDS]


def _tree(answer: Answer) -> Mapping[str, Tree]:
    try:
        tree = parse_json(answer.body, subject="", limit_bytes=64 << 20)
    except PenstockError:
        return {}
    return tree if isinstance(tree, Mapping) else {}


def _part(tree: Tree, key: str) -> Mapping[str, Tree]:
    value = tree.get(key) if isinstance(tree, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text(tree: Mapping[str, Tree], key: str) -> str:
    value = tree.get(key)
    return value if isinstance(value, str) else ""
