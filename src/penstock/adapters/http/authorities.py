"""Certificate authorities beside those of the system."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from penstock.model.errors import InputError

_HINT = "give a file with certificates in PEM: -----BEGIN CERTIFICATE-----"


def system_and(ca_file: Path) -> ssl.SSLContext:
    """TLS settings that trust the system's authorities and those of a PEM file; for ``HttpOptions.tls``.

    Raises:
        InputError: the file is missing or holds none.
    """
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=str(ca_file))
    except ssl.SSLError as error:
        raise InputError("holds no usable PEM certificate", subject=str(ca_file), hint=_HINT) from error
    except OSError as error:
        raise InputError(f"the certificate authorities cannot be read: {error.strerror}", subject=str(ca_file), hint=_HINT) from error
    return context


def named_authorities(environment: Mapping[str, str]) -> Path | None:
    """The file of authorities that clients on Python's ``requests`` trust in place of the system's: ``REQUESTS_CA_BUNDLE``.

    For services whose clients were such ones until now, and whose authority is known on a machine by this variable alone.
    """
    named = environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE")
    return Path(named) if named else None
