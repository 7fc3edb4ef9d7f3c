"""What the answers to those who write mean: images, operations and policies (Compute Engine v1), objects (Cloud Storage JSON API v1)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

from penstock.adapters.http.failures import is_transient_status, status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.transport import Answer
from penstock.formats.jsontext import parse_json
from penstock.model.errors import NotFoundError, OperationError, PenstockError, TransientError
from penstock.model.push.gcp import DeprecationState, FoundGceImage, FoundGcsObject, GceOperation
from penstock.model.record import Tree

USER_ROLE = "roles/compute.imageUser"
_LONGEST_ANSWER_BYTES = 64 << 20
_LONGEST_WORDS = 300
_QUERY = re.compile(r"\?\S*")
_PASSING = frozenset({"RESOURCE_OPERATION_RATE_EXCEEDED", "INTERNAL_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})


def object_of_answer(answer: Answer, *, subject: str) -> Mapping[str, Tree]:
    """The document of an answer.

    Raises:
        NotFoundError: 404.
        OperationError: another refusal, in Google's words, or no document.
    """
    if answer.status >= 300:
        raise refusal_of(answer, subject=subject)
    try:
        tree = parse_json(answer.body, subject=subject, limit_bytes=_LONGEST_ANSWER_BYTES)
    except PenstockError:
        tree = None
    if not isinstance(tree, Mapping):
        raise OperationError(f"{place_of(answer.url)} sent no JSON object", subject=subject, hint="check the endpoint")
    return tree


def refusal_of(answer: Answer, *, subject: str) -> PenstockError:
    """The error of a refusal, with what Google says of it, which names permissions and quotas; queries are left out."""
    reason, words = reason_of(answer)
    said = f"{place_of(answer.url)} answered {status_text(answer.status)}"
    text = f"{said}: {words}" if words else said
    if answer.status == HTTPStatus.NOT_FOUND and reason:
        return NotFoundError(text, subject=subject)
    if is_transient_status(answer.status):
        return TransientError(text, subject=subject, hint="try again later")
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            hint = "see GCP_SERVICE_ACCOUNT of the credentials"
        case HTTPStatus.FORBIDDEN:
            hint = "see the roles of the service account: Compute Storage Admin on the project, Storage Object Admin on the bucket"
        case _:
            hint = "check the endpoint and the project" if not words else ""
    return OperationError(text, subject=subject, hint=hint)


def reason_of(answer: Answer) -> tuple[str, str]:
    """What a refusal says for programs (``alreadyExists``) and for people, ``""`` where it is none of Google's."""
    try:
        tree = parse_json(answer.body, subject="", limit_bytes=_LONGEST_ANSWER_BYTES)
    except PenstockError:
        return "", ""
    error = _part(tree, "error")
    errors = error.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else {}
    return _text(first, "reason") or _text(error, "status"), _shown(_text(error, "message"))


def found_image(tree: Tree, *, subject: str) -> FoundGceImage:
    """An image with all that counts for reuse.

    Raises:
        OperationError: it is none.
    """
    image = tree if isinstance(tree, Mapping) else {}
    try:
        created = datetime.fromisoformat(_text(image, "creationTimestamp"))
    except ValueError:
        raise OperationError("the answer is no image", subject=subject, hint="check the endpoint") from None
    state = _text(_part(image, "deprecated"), "state")
    labels = _part(image, "labels")
    return FoundGceImage(
        name=_text(image, "name"),
        number=_text(image, "id"),
        status=_text(image, "status"),
        architecture=_text(image, "architecture"),
        created=created,
        family=_text(image, "family"),
        description=_text(image, "description"),
        labels={key: value for key, value in labels.items() if isinstance(value, str)},
        licenses=tuple(each for each in _list(image, "licenses") if isinstance(each, str)),
        guest_os_features=tuple(_text(each, "type") for each in _list(image, "guestOsFeatures") if isinstance(each, Mapping)),
        state=DeprecationState(state) if state in set(DeprecationState) else DeprecationState.ACTIVE,
    )


def found_object(tree: Mapping[str, Tree]) -> FoundGcsObject:
    """An object of a bucket."""
    size = _text(tree, "size")
    metadata = _part(tree, "metadata")
    return FoundGcsObject(
        key=_text(tree, "name"),
        size_bytes=int(size) if size.isascii() and size.isdigit() else 0,
        metadata={key: value for key, value in metadata.items() if isinstance(value, str)},
    )


def operation_of(tree: Mapping[str, Tree], *, subject: str) -> GceOperation:
    """How far an operation is.

    Raises:
        OperationError: it is none.
        TransientError: it failed for what passes.
    """
    name, progress = _text(tree, "name"), tree.get("progress")
    if not name:
        raise OperationError("the answer is no operation", subject=subject, hint="check the endpoint")
    errors = [each for each in _list(_part(tree, "error"), "errors") if isinstance(each, Mapping)]
    error = "; ".join(_shown(f"{_text(each, 'message')} ({_text(each, 'code')})") for each in errors)
    if errors and all(_text(each, "code") in _PASSING for each in errors):
        raise TransientError(error, subject=subject, hint="run again later")
    return GceOperation(
        name=name,
        done=_text(tree, "status") == "DONE",
        progress_percent=progress if isinstance(progress, int) else 0,
        error=error,
    )


def users_of(policy: Mapping[str, Tree]) -> frozenset[str]:
    """The members of :data:`USER_ROLE` without a condition."""
    return frozenset(
        member
        for binding in _list(policy, "bindings")
        if isinstance(binding, Mapping) and binding.get("role") == USER_ROLE and "condition" not in binding
        for member in _list(binding, "members")
        if isinstance(member, str)
    )


def with_users(policy: Mapping[str, Tree], members: Sequence[str]) -> dict[str, Tree]:
    """The policy with these members of :data:`USER_ROLE` too; everything else of it stays, also its version and its etag."""
    bindings = _list(policy, "bindings")
    added: list[Tree] = [each for each in members if each not in users_of(policy)]
    for place, binding in enumerate(bindings):
        if isinstance(binding, Mapping) and binding.get("role") == USER_ROLE and "condition" not in binding:
            joined: dict[str, Tree] = {**binding, "members": [*_list(binding, "members"), *added]}
            return {**policy, "bindings": [*bindings[:place], joined, *bindings[place + 1 :]]}
    return {**policy, "bindings": [*bindings, {"role": USER_ROLE, "members": added}]}


def _shown(text: str) -> str:
    return _QUERY.sub("?…", " ".join(text.split()))[:_LONGEST_WORDS]


def _part(tree: Tree, key: str) -> Mapping[str, Tree]:
    value = tree.get(key) if isinstance(tree, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _list(tree: Mapping[str, Tree], key: str) -> list[Tree]:
    value = tree.get(key)
    return list(value) if isinstance(value, list) else []


def _text(tree: Mapping[str, Tree], key: str) -> str:
    value = tree.get(key)
    return value if isinstance(value, str) else ""
