"""How Google Cloud is asked."""

from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from penstock.adapters.http.addresses import service_address
from penstock.adapters.http.options import HttpOptions

COMPUTE = "https://compute.googleapis.com"
STORAGE = "https://storage.googleapis.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpOptions:
    """What the client needs to know.

    Attributes:
        endpoint: the address of the Compute Engine API and of Cloud Storage, for an emulator; None for Google's own.
        credentials_file: of a service account or of a user; None for the application default credentials.
        http: patience, authorities of certificates, environment.
    """

    endpoint: str | None = None
    credentials_file: Path | None = None
    http: HttpOptions = field(default_factory=HttpOptions)

    def base(self) -> URL:
        """Where the projects are: ``…/compute/v1/projects``.

        Raises:
            InputError: the endpoint is no address to show a token to.
        """
        return service_address(self.endpoint or COMPUTE, "the endpoint of Google Cloud") / "compute/v1/projects"

    def storage(self) -> URL:
        """Where Cloud Storage is.

        Raises:
            InputError: the endpoint is no address to show a token to.
        """
        return service_address(self.endpoint or STORAGE, "the endpoint of Google Cloud")

    @property
    def anonymous(self) -> bool:
        """Whether nobody is asked for credentials: an emulator on this machine, by plain HTTP, and no file that names any."""
        return self.credentials_file is None and self.base().scheme == "http"
