"""What the server says when it says no: distribution-spec, section "Error Codes"."""

from collections.abc import Mapping
from enum import StrEnum

from aiohttp import web


class ErrorCode(StrEnum):
    """The identifiers that clients branch on."""

    BLOB_UNKNOWN = "BLOB_UNKNOWN"
    BLOB_UPLOAD_INVALID = "BLOB_UPLOAD_INVALID"
    BLOB_UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
    DIGEST_INVALID = "DIGEST_INVALID"
    MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
    NAME_INVALID = "NAME_INVALID"
    NAME_UNKNOWN = "NAME_UNKNOWN"
    SIZE_INVALID = "SIZE_INVALID"
    UNAUTHORIZED = "UNAUTHORIZED"
    DENIED = "DENIED"
    UNSUPPORTED = "UNSUPPORTED"
    TOOMANYREQUESTS = "TOOMANYREQUESTS"
    PAGINATION_NUMBER_INVALID = "PAGINATION_NUMBER_INVALID"
    """Not in the specification; docker-registry uses it."""
    UNKNOWN = "UNKNOWN"
    """Not in the specification; docker-registry uses it for failures of its own."""


class Refusal(Exception):
    """Ends a request with an error document.

    Attributes:
        status: the HTTP status.
        code: what went wrong, for programs.
        message: the same, for people.
        detail: the value it went wrong with, or None.
        headers: to be added to the answer, for example a challenge.
    """

    def __init__(
        self, status: int, code: ErrorCode, message: str, *, detail: object = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The answer as it goes over the wire."""
        error = {"code": self.code, "message": self.message}
        document = {"errors": [error if self.detail is None else {**error, "detail": self.detail}]}
        return web.json_response(document, status=self.status, headers=self.headers)
