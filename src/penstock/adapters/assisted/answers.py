"""What assisted-service says of an infra-env, as far as an image service needs it."""

from collections.abc import Mapping
from typing import Final

from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, VerificationError
from penstock.model.record import Tree

_KEY: Final = "kernel_arguments"
_APPEND: Final = "append"


def arguments_of(document: bytes, *, subject: str) -> tuple[str, ...]:
    """The kernel arguments to append, of an infra-env's document (assisted-service: ``models/infra_env.go``).

    ``kernel_arguments`` is a *text* that holds JSON: ``[{"operation": "append", "value": "console=ttyS0"}, …]``.  It may be missing, null
    or empty; empty values are left out.

    Raises:
        VerificationError: the document is of another shape, or something else than ``append`` is to be done; nothing of it is in the
            message.
    """
    infra_env = _tree(document, "the infra-env", subject)
    if not isinstance(infra_env, Mapping):
        raise VerificationError("the infra-env is no JSON object", subject=subject)
    text = infra_env.get(_KEY)
    if text is None or text == "":
        return ()
    if not isinstance(text, str):
        raise VerificationError(f"{_KEY} of the infra-env is no text", subject=subject)
    listed = _tree(text.encode(), f"{_KEY} of the infra-env", subject)
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise VerificationError(f"{_KEY} of the infra-env is no list", subject=subject)
    return tuple(value for value in (_value(entry, subject) for entry in listed) if value.strip())


def _value(entry: Tree, subject: str) -> str:
    operation = entry.get("operation") if isinstance(entry, Mapping) else None
    value = entry.get("value", "") if isinstance(entry, Mapping) else None
    if operation != _APPEND:
        raise VerificationError("kernel arguments can only be appended, and the infra-env wants something else", subject=subject)
    if not isinstance(value, str):
        raise VerificationError("a kernel argument of the infra-env is no text", subject=subject)
    return value


def _tree(content: bytes, what: str, subject: str) -> Tree:
    try:
        return parse_json(content, subject=subject)
    except InputError:
        pass
    # Raised here, so that the error has no context: the parser's message quotes what it could not read.
    raise VerificationError(f"{what} is not JSON", subject=subject)
