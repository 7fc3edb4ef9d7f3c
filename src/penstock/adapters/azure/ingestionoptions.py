"""How Azure's Product Ingestion API is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from penstock.adapters.http.addresses import service_address
from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.model.errors import InputError
from penstock.model.push.accounts import DEFAULT_AZURE_API_VERSION

GRAPH = "https://graph.microsoft.com"
AUTHORITY = "https://login.microsoftonline.com"
PREFIX = "rp/product-ingestion"
DEFAULT_SESSION_TIMEOUT_S = 20.0

PATIENCE = Retries(attempts=6, first_wait_s=1.0, longest_wait_s=20.0, total_s=120.0)
"""Five retries on what may pass by itself, as upstream has them; each is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionOptions:
    """What the client needs to know.

    Attributes:
        endpoint: in place of :data:`GRAPH`.
        authority: of tokens, in place of :data:`AUTHORITY`.
        api_version: of the schema of ``configure`` (``AZURE_API_VERSION``); None for what the credentials say.
        schema_version: of the documents, the ``$version`` of every question (``AZURE_SCHEMA_VERSION``).
        http: patience, authorities of certificates, environment.
    """

    endpoint: str = GRAPH
    authority: str = AUTHORITY
    api_version: str | None = None
    schema_version: str = DEFAULT_AZURE_API_VERSION
    http: HttpOptions = field(default_factory=lambda: HttpOptions(retries=PATIENCE, timeouts=Timeouts(stall_s=DEFAULT_SESSION_TIMEOUT_S)))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "IngestionOptions":
        """What variables say.

        ``AZURE_API_VERSION``, ``AZURE_SCHEMA_VERSION`` and ``AZURE_SESSION_TIMEOUT`` (seconds) are upstream's; ``AZURE_AUTHORITY_HOST`` is
        azure-identity's, ``AZURE_INGESTION_ENDPOINT`` is ours: they lead to a simulator.

        Raises:
            InputError: the timeout is no number of seconds.
        """
        text = environment.get("AZURE_SESSION_TIMEOUT") or str(DEFAULT_SESSION_TIMEOUT_S)
        try:
            timeout_s = float(text)
        except ValueError:
            timeout_s = 0.0
        if not 0 < timeout_s < float("inf"):
            raise InputError(f"{text!r} is no number of seconds", subject="AZURE_SESSION_TIMEOUT")
        return cls(
            endpoint=environment.get("AZURE_INGESTION_ENDPOINT") or GRAPH,
            authority=environment.get("AZURE_AUTHORITY_HOST") or AUTHORITY,
            api_version=environment.get("AZURE_API_VERSION") or None,
            schema_version=environment.get("AZURE_SCHEMA_VERSION") or DEFAULT_AZURE_API_VERSION,
            http=HttpOptions(retries=PATIENCE, timeouts=Timeouts(stall_s=timeout_s), environment=environment),
        )

    def base(self) -> URL:
        """Where the API is.

        Raises:
            InputError: the endpoint is no address to show a token to.
        """
        return service_address(self.endpoint, "the endpoint of product ingestion") / PREFIX

    def authority_address(self) -> URL:
        """Where tokens come from.

        Raises:
            InputError: it is no address to send a secret to.
        """
        told = self.authority if "://" in self.authority else f"https://{self.authority}"
        return service_address(told, "the authority of Azure")
