"""What the answers of the Compute Engine API (v1) mean."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.transport import Answer
from penstock.formats.jsontext import parse_json
from penstock.model.arch import Arch
from penstock.model.catalogue import GcpCloudImage, Lifecycle
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError
from penstock.model.record import Tree

_LONGEST_ANSWER_BYTES = 64 << 20
_ARCHES = {"X86_64": Arch.X86_64, "ARM64": Arch.AARCH64}
_ENDED = frozenset({"DEPRECATED", "OBSOLETE", "DELETED"})


def read_answer(answer: Answer, *, subject: str) -> Mapping[str, Tree]:
    """The document of an answer.

    Raises:
        NotFoundError: what was asked for is not there.
        OperationError: another refusal, or no document.
    """
    if answer.status != HTTPStatus.OK:
        raise _refusal(answer, subject)
    place = place_of(answer.url)
    try:
        tree = parse_json(answer.body, subject=subject, limit_bytes=_LONGEST_ANSWER_BYTES)
    except InputError as error:
        raise OperationError(f"{place} sent no JSON: {error.message}", subject=subject, hint="check the endpoint") from None
    if not isinstance(tree, Mapping):
        raise OperationError(f"{place} sent no object", subject=subject, hint="check the endpoint")
    return tree


def _refusal(answer: Answer, subject: str) -> PenstockError:
    place = place_of(answer.url)
    said = f"{place} answered {status_text(answer.status)}"
    match answer.status:
        case HTTPStatus.NOT_FOUND:
            if not _is_of_google(answer):
                return OperationError(f"{said}, and not as Google Cloud does", subject=subject, hint="check the endpoint")
            return NotFoundError(f"{place} does not have it", subject=subject)
        case HTTPStatus.UNAUTHORIZED:
            hint = "log in with `gcloud auth application-default login`, or name a key with --gcp-credentials-file"
        case HTTPStatus.FORBIDDEN:
            hint = "the account needs the permission compute.images.list on the project, and the project may need the Compute Engine API"
        case _:
            hint = "check the endpoint and the project"
    return OperationError(said, subject=subject, hint=hint)


def _is_of_google(answer: Answer) -> bool:
    """Whether a 404 is the API's own: its body says so; any web server has 404s."""
    try:
        tree = parse_json(answer.body, subject="")
    except PenstockError:
        return False
    error = tree.get("error") if isinstance(tree, Mapping) else None
    return isinstance(error, Mapping) and error.get("code") == HTTPStatus.NOT_FOUND


def images_of(tree: Mapping[str, Tree], project: str, *, subject: str) -> list[GcpCloudImage]:
    """The images of one page; a page without any has no ``items``.

    Raises:
        OperationError: it is no list of images.
    """
    items = tree.get("items", [])
    if not isinstance(items, list) or (not items and "kind" not in tree):
        raise OperationError("the answer is no list of images", subject=subject, hint="check the endpoint")
    return [image_of(item, project, subject=subject) for item in items]


def image_of(item: Tree, project: str, *, subject: str) -> GcpCloudImage:
    """One image; whatever old ones do not have is not told.

    Raises:
        OperationError: it is none.
    """
    image = item if isinstance(item, Mapping) else {}
    name, created = _text(image, "name"), _moment(_text(image, "creationTimestamp"))
    if not name or created is None:
        raise OperationError("the answer is no image", subject=subject, hint="check the endpoint")
    deprecated = image.get("deprecated")
    state = _text(deprecated, "state") if isinstance(deprecated, Mapping) else ""
    return GcpCloudImage(
        project=project,
        name=name,
        family=_text(image, "family"),
        arch=_ARCHES.get(_text(image, "architecture")),
        created=created,
        lifecycle=Lifecycle.DEPRECATED if state in _ENDED else Lifecycle.ACTIVE,
        status=_text(image, "status"),
        description=_text(image, "description"),
    )


def _text(tree: Mapping[str, Tree], key: str) -> str:
    value = tree.get(key)
    return value if isinstance(value, str) else ""


def _moment(text: str) -> datetime | None:
    """``2023-05-02T10:36:12.345-07:00``, or None for no moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
