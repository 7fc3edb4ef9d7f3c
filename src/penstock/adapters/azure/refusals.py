"""What is told of credentials that were refused, or not found.

What a token endpoint says is not repeated: it may quote what it was given.  Only its ``AADSTS…`` number is.
"""

import re

from penstock.model.errors import OperationError

_NUMBER = re.compile(rb"AADSTS[0-9]{1,9}")
_LOG_IN = "log in with `az login`, set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give a token with --azure-token-file"


def refused_credentials(place: str, said: str, body: bytes, *, hint: str = _LOG_IN) -> OperationError:
    """The error for credentials that an authority refused; of what it said only the number is told."""
    number = _NUMBER.search(body)
    told = f", {number[0].decode()}" if number else ""
    return OperationError(f"{place} gave no token ({said}{told})", hint=hint)


def no_credentials(place: str) -> OperationError:
    """The error for a chain in which nothing could be tried."""
    return OperationError(f"no credentials for Azure were found, to show to {place}", hint=_LOG_IN)
