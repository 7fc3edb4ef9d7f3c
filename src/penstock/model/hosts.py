"""What a host gets when it boots for the first time, and who asks for it."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from penstock.model.errors import OperationError


class CredentialKind(StrEnum):
    """How somebody shows that they may have a host's config (assisted-service: ``userAuth``, ``urlAuth``, ``imageAuth``)."""

    NONE = "none"
    API_KEY = "api_key"
    IMAGE_TOKEN = "image_token"  # noqa: S105  # the name of one
    AUTHORIZATION = "authorization"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody showed; it is passed on, never judged, never written down.

    Attributes:
        kind: how.
        value: the secret.
    """

    kind: CredentialKind = CredentialKind.NONE
    value: str = field(default="", repr=False)

    @property
    def fingerprint(self) -> str:
        """Tells one from another without telling the secret: a SHA-256, to be kept in memory only."""
        return hashlib.sha256(f"{self.kind.value}\0{self.value}".encode()).hexdigest() if self.value else ""


@dataclass(frozen=True, slots=True)
class HostIgnition:
    """The Ignition config of a host.

    Attributes:
        content: JSON; it may hold secrets.
        last_modified: the HTTP date that came with it, or ``""``.
    """

    content: bytes = field(repr=False)
    last_modified: str = ""


class BackendRefused(OperationError):
    """The backend answered with a status that is not success; it is given to the client as it is.

    Attributes:
        status: of HTTP, 300 to 599.
    """

    def __init__(self, status: int, *, subject: str, hint: str = "") -> None:
        super().__init__(f"the backend answered with status {status}", subject=subject, hint=hint)
        self.status = status
