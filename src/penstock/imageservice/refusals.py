"""What the image service says no with: a status and a text, exactly as OpenShift's image service words them."""

from http import HTTPStatus
from typing import Self


class Refused(Exception):
    """A request that is not answered with a file.

    Attributes:
        status: of HTTP.
        body: plain text; it holds no secret.
        nosniff: whether the answer has ``X-Content-Type-Options: nosniff``, as those have which Go's ``http.Error`` writes.
    """

    def __init__(self, status: int, body: str = "", *, nosniff: bool = False) -> None:
        super().__init__(f"{status} {body}".strip())
        self.status = status
        self.body = body
        self.nosniff = nosniff

    @classmethod
    def by_helper(cls, status: int, message: str) -> Self:
        """What ``http.Error`` writes: a newline at the end, and nosniff."""
        return cls(status, f"{message}\n", nosniff=True)

    @classmethod
    def not_found(cls) -> Self:
        """Go's answer where nothing is."""
        return cls.by_helper(HTTPStatus.NOT_FOUND, "404 page not found")
