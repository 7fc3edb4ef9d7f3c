"""Certificate authorities beside those of the system."""

import ssl
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
