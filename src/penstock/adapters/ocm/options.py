"""How OpenShift Cluster Manager is reached, and in whose name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.adapters.http.options import HttpOptions
from penstock.model.ocm import OCM_URL, OFFLINE_CLIENT, TOKEN_URL


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A client with a secret (RFC 6749 section 4.4).

    Attributes:
        client_id: its name.
        client_secret: what it shows.
    """

    client_id: str
    client_secret: str = field(repr=False)

    def form(self) -> Mapping[str, str]:
        """What the token endpoint is sent."""
        return {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}


@dataclass(frozen=True, slots=True)
class OfflineToken:
    """A refresh token of a person or a service account (RFC 6749 section 6).

    Attributes:
        token: what is shown.
        client_id: the client that it was given to.
    """

    token: str = field(repr=False)
    client_id: str = OFFLINE_CLIENT

    def form(self) -> Mapping[str, str]:
        """What the token endpoint is sent."""
        return {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": self.token}


@dataclass(frozen=True, slots=True, kw_only=True)
class OcmOptions:
    """What the client needs to know.

    Attributes:
        client: in whose name OCM is asked.
        url: of OCM.
        token_url: of the token endpoint.
        http: patience, authorities of certificates, environment.
    """

    client: ServiceAccount | OfflineToken
    url: str = OCM_URL
    token_url: str = TOKEN_URL
    http: HttpOptions = field(default_factory=HttpOptions)
