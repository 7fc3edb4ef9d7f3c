"""How RHSM is reached, and what is shown to it."""

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from penstock.adapters.http.options import HttpOptions, Retries
from penstock.adapters.http.transport import tls_context
from penstock.model.errors import InputError

PATIENCE: Final = Retries(attempts=3, first_wait_s=1.0, longest_wait_s=30.0, total_s=120.0)
"""Three tries with pauses of about one and two seconds, as the clients that RHSM has had until now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RhsmOptions:
    """What the client needs to know.

    Attributes:
        url: of the API's host; what stands in its path goes before ``/v1/internal``.
        certificate: the client's, PEM, with its chain; None shows none.
        key: of the certificate, PEM and not encrypted; None where it stands in the same file.
        http: patience, authorities, environment.
    """

    url: str
    certificate: Path | None = None
    key: Path | None = None
    http: HttpOptions = field(default_factory=lambda: HttpOptions(retries=PATIENCE))

    def secured(self) -> HttpOptions:
        """``http`` with the client's certificate.  Blocks: files are read.

        Raises:
            InputError: a file is missing, or holds no such thing; or there is a key alone.
        """
        if self.certificate is None:
            if self.key is not None:
                raise InputError("a key without its certificate", subject=str(self.key), hint="give --rhsm-cert (RHSM_CERT) too")
            return self.http
        context = tls_context(self.http, insecure=self.http.insecure)
        try:
            # A password would be asked for on the terminal; whoever has an encrypted key is told so instead.
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except ssl.SSLError as error:
            hint = "both are PEM, belong to each other, and the key is not encrypted"
            raise InputError("the client's certificate and key cannot be used", subject=str(self.certificate), hint=hint) from error
        except OSError as error:
            missing = self.certificate if self.key is None or not self.certificate.exists() else self.key
            raise InputError(f"cannot be read: {error.strerror}", subject=str(missing), hint="see --rhsm-cert and --rhsm-key") from error
        return replace(self.http, tls=context)


def _no_password() -> str:
    return ""
