"""What a registry client is made from."""

from dataclasses import dataclass, field
from pathlib import Path

from penstock.adapters.http.options import HttpOptions
from penstock.model.mirrors import MirrorRules


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryOptions(HttpOptions):
    """Everything that a registry client needs to know; nothing else of the process is looked at.

    With ``insecure``, plain HTTP is used where TLS is not spoken; blob readers do not count as ``parallel`` connections.  The environment
    is asked for ``HOME``, ``REGISTRY_AUTH_FILE``, ``XDG_*`` and ``DOCKER_CONFIG`` too, and is what credential helpers are run with.

    Attributes:
        auth_file: the only file to take credentials from, or None for the usual places.
        mirrors: where else to look for images.
    """

    auth_file: Path | None = None
    mirrors: MirrorRules = field(default_factory=MirrorRules)
