"""``--credentials`` and ``CLOUD_CREDENTIALS``: a list, separated by commas, of files and of documents in base64."""

import binascii
from base64 import b64decode
from pathlib import Path

from penstock.adapters.files.reading import read_document
from penstock.formats.cloudcredentials import LONGEST_CREDENTIAL_BYTES, parse_credential
from penstock.model.errors import InputError, NotFoundError
from penstock.model.push.accounts import DEFAULT_AWS_BUCKET, CloudCredential, CredentialSet

_HINT = "write paths of files or base64 of their content, separated by commas"


def read_credentials(text: str, default_bucket: str = DEFAULT_AWS_BUCKET) -> CredentialSet:
    """The credentials that a list names, in its order; none for an empty text.

    A piece that is the path of a file (or a pipe) is read as one, anything else is decoded.  A piece that is neither is not shown in the
    error, because it may be a secret that was cut.

    Raises:
        InputError: a piece is neither a file nor base64 of credentials, or what it holds is wrong.
        NotFoundError: a piece ends in ``.json``, and there is no such file.
        OperationError: a file cannot be read.
    """
    if not text.strip():
        return CredentialSet()
    if text.lstrip().startswith("{"):
        raise InputError("credentials are not given as plain JSON", subject="the credentials", hint=_HINT)
    return CredentialSet(tuple(_read(piece.strip(), number, default_bucket) for number, piece in enumerate(text.split(","), start=1)))


def _read(piece: str, number: int, default_bucket: str) -> CloudCredential:
    subject = f"entry {number} of the credentials"
    if not piece:
        raise InputError("is empty", subject=subject, hint=_HINT)
    path = _home(Path(piece))
    if _is_there(path):
        return parse_credential(read_document(path, limit_bytes=LONGEST_CREDENTIAL_BYTES), subject=str(path), default_bucket=default_bucket)
    if path.suffix == ".json":
        raise NotFoundError("there is no such file", subject=piece, hint=_HINT)
    try:
        # base64(1) breaks its lines.
        content = b64decode("".join(piece.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InputError("is neither a file that exists nor base64", subject=subject, hint=_HINT) from None
    return parse_credential(content, subject=subject, default_bucket=default_bucket)


def _home(path: Path) -> Path:
    """``~`` read as the shell reads it, which does so at the first of the list alone."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _is_there(path: Path) -> bool:
    """Whether it is something that can be opened; a long text in base64 is no path that the system takes."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
