"""Refusals as an API server words them: objects of the kind ``Status`` (apimachinery: ``pkg/api/errors``)."""

from penstock.simulators.cloud.operations import Refusal

RESOURCE = "secrets"


def unauthorized() -> Refusal:
    """The token is missing or unknown."""
    return Refusal(401, "Unauthorized", "Unauthorized")


def forbidden(user: str, verb: str, namespace: str, name: str) -> Refusal:
    """The account lacks a right."""
    told = f'{RESOURCE} "{name}" is forbidden' if name else f"{RESOURCE} is forbidden"
    message = f'{told}: User "{user}" cannot {verb} resource "{RESOURCE}" in API group "" in the namespace "{namespace}"'
    return Refusal(403, "Forbidden", message)


def not_found(resource: str, name: str) -> Refusal:
    """There is no such object."""
    return Refusal(404, "NotFound", f'{resource} "{name}" not found')


def already_exists(name: str) -> Refusal:
    """An object shall be made that is there."""
    return Refusal(409, "AlreadyExists", f'{RESOURCE} "{name}" already exists')


def conflict(name: str) -> Refusal:
    """The object is no longer of the version that was named."""
    told = "the object has been modified; please apply your changes to the latest version and try again"
    return Refusal(409, "Conflict", f'Operation cannot be fulfilled on {RESOURCE} "{name}": {told}')


def invalid(name: str, field: str, problem: str) -> Refusal:
    """The object breaks a rule."""
    return Refusal(422, "Invalid", f'Secret "{name}" is invalid: {field}: {problem}')


def bad_request(message: str) -> Refusal:
    """The request is none."""
    return Refusal(400, "BadRequest", message)


def status_document(refusal: Refusal, name: str) -> dict[str, object]:
    """The object that tells a refusal."""
    document: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": refusal.message,
        "reason": refusal.code,
        "code": refusal.status,
    }
    if name and refusal.status != 401:
        document["details"] = {"name": name, "kind": RESOURCE}
    return document
