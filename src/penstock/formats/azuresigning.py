"""How requests to Azure's storage are signed with the key of an account, and how addresses are signed for everybody.

"Authorize with Shared Key" and "Create a service SAS" of the documentation of Azure Storage, both for the version
:data:`STORAGE_VERSION` of the service.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping

from penstock.model.errors import InputError

STORAGE_VERSION = "2021-12-02"
"""``x-ms-version`` and ``sv``: the fields that are signed depend on it."""

_STANDARD_HEADERS = (
    *("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date", "if-modified-since", "if-match"),
    *("if-none-match", "if-unmodified-since", "range"),
)


def account_key(text: str, *, subject: str) -> bytes:
    """The key of a storage account, which is written in base64.

    Raises:
        InputError: it is not; the message does not repeat it.
    """
    try:
        key = b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise InputError(
            "the key of the storage account is no base64", subject=subject, hint="copy the connection string as Azure shows it"
        )
    return key


def signature(key: bytes, text: str) -> str:
    """HMAC-SHA256 in base64."""
    return b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


def shared_key_text(method: str, account: str, path: str, query: Iterable[tuple[str, str]], headers: Mapping[str, str]) -> str:
    """What is signed of a request.

    Args:
        method: in capitals.
        account: the name of the storage account.
        path: as it is sent, with its percent signs, from the first slash on.
        query: decoded.
        headers: all that are sent, whatever their case.
    """
    lower = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    if lower.get("content-length") == "0":
        del lower["content-length"]
    if "x-ms-date" in lower:
        lower.pop("date", None)
    standard = [lower.get(name, "") for name in _STANDARD_HEADERS]
    own = [f"{name}:{lower[name]}" for name in sorted(lower) if name.startswith("x-ms-")]
    values: dict[str, list[str]] = {}
    for name, value in query:
        values.setdefault(name.lower(), []).append(value)
    asked = [f"{name}:{','.join(sorted(values[name]))}" for name in sorted(values)]
    return "\n".join((method, *standard, *own, f"/{account}{path}", *asked))


def service_sas_text(account: str, path: str, query: Mapping[str, str]) -> str:
    """What is signed of an address by which a blob may be read.

    Args:
        account: the name of the storage account.
        path: ``/container/blob``, decoded.
        query: ``sp``, ``se``, ``sv``, ``sr``, and of the rest what is there, decoded.
    """
    fields = ("sp", "st", "se", "", "si", "sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd", "rsce", "rscl", "rsct")
    resource = f"/blob/{account}{path}"
    return "\n".join(query.get(name, "") if name else resource for name in fields)
