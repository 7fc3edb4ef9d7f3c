"""What a registry client is made from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from penstock.adapters.http.options import HttpOptions
from penstock.formats.authfile import AuthFile
from penstock.model.mirrors import MirrorRules


class CredentialSource(Protocol):
    """Credentials that may change while the client runs."""

    @property
    def name(self) -> str:
        """What they are called in messages; no secret."""

    async def current(self) -> AuthFile:
        """The credentials as they are known now.

        Raises:
            PenstockError: there are none, and none can be had.
        """

    async def renew(self, refused: AuthFile) -> AuthFile:
        """The newest credentials there are, because a registry refused one of ``refused``; the same ones where there are no newer.

        Raises:
            PenstockError: they cannot be had.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryOptions(HttpOptions):
    """Everything that a registry client needs to know; nothing else of the process is looked at.

    With ``insecure``, plain HTTP is used where TLS is not spoken; blob readers do not count as ``parallel`` connections.  The environment
    is asked for ``HOME``, ``REGISTRY_AUTH_FILE``, ``XDG_*`` and ``DOCKER_CONFIG`` too, and is what credential helpers are run with.

    Attributes:
        auth_file: the only file to take credentials from, or None for the usual places.
        credentials: the only source of credentials, in the place of all files; asked for newer ones when a registry refuses.
        mirrors: where else to look for images.
    """

    auth_file: Path | None = None
    credentials: CredentialSource | None = field(default=None, repr=False)
    mirrors: MirrorRules = field(default_factory=MirrorRules)
