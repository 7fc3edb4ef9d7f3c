"""Storage accounts as connection strings tell them, and how they are talked to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from penstock.adapters.http.addresses import open_address
from penstock.adapters.http.options import HttpOptions
from penstock.formats.azuresigning import account_key
from penstock.model.errors import InputError
from penstock.model.push.blobs import DEFAULT_CONTAINER

DEFAULT_SUFFIX = "blob.core.windows.net"
DEFAULT_SAS_DAYS = 1095
DEFAULT_CONCURRENCY = 16
_SUBJECT = "the connection string of Azure's storage"
_HINT = "copy it from the access keys of the storage account"
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*|\$root")
_MOST = {"CLOUDIMG_AZURE_SAS_EXPIRY": 36500, "CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY": 256}


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """One storage account.

    Attributes:
        name: of it.
        endpoint: of its blobs, without a slash at the end.
        key: to sign with; never shown.
    """

    name: str
    endpoint: URL
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """What the environment says of uploads.

    Attributes:
        container: ``UPLOAD_CONTAINER_NAME``.
        sas_days: ``CLOUDIMG_AZURE_SAS_EXPIRY``.
        concurrency: ``CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY``.
        suffix: ``AZURE_STORAGE_ENDPOINT_SUFFIX``, behind the name of the account where its connection string says nothing.
    """

    container: str = DEFAULT_CONTAINER
    sas_days: int = DEFAULT_SAS_DAYS
    concurrency: int = DEFAULT_CONCURRENCY
    suffix: str = DEFAULT_SUFFIX

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "StorageSettings":
        """What it says, or the defaults.

        ``CLOUDIMG_AZURE_LOG_INTERVAL`` has no meaning here: progress is told as it happens.

        Raises:
            InputError: a number is none, or no container can have the name.
        """
        container = environment.get("UPLOAD_CONTAINER_NAME") or DEFAULT_CONTAINER
        if not _CONTAINER.fullmatch(container):
            hint = "3 to 63 lower-case letters, digits and single hyphens"
            raise InputError(f"{container!r} is no name of a container", subject="UPLOAD_CONTAINER_NAME", hint=hint)
        return cls(
            container,
            _number(environment, "CLOUDIMG_AZURE_SAS_EXPIRY", DEFAULT_SAS_DAYS),
            _number(environment, "CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY", DEFAULT_CONCURRENCY),
            (environment.get("AZURE_STORAGE_ENDPOINT_SUFFIX") or DEFAULT_SUFFIX).strip("."),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobOptions:
    """What the client of an account needs to know.

    Attributes:
        sas_days: how long signed addresses are good.
        concurrency: requests at a time.
        http: patience, authorities of certificates, environment.
    """

    sas_days: int = DEFAULT_SAS_DAYS
    concurrency: int = DEFAULT_CONCURRENCY
    http: HttpOptions = field(default_factory=HttpOptions)


def parse_connection_string(text: str, *, suffix: str = DEFAULT_SUFFIX) -> StorageAccount:
    """The account that a connection string tells: ``Name=Value;…``, names in any case.

    ``BlobEndpoint`` counts before ``DefaultEndpointsProtocol`` and ``EndpointSuffix``, these before ``suffix``.

    Args:
        text: secret.
        suffix: ``AZURE_STORAGE_ENDPOINT_SUFFIX``.

    Raises:
        InputError: something is missing or wrong; nothing of the text is repeated but the names in it.
    """
    told: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        name, separator, value = part.partition("=")
        if not separator:
            raise InputError("a part of it has no '='", subject=_SUBJECT, hint=_HINT)
        told[name.strip().lower()] = value.strip()
    missing = [name for name in ("AccountName", "AccountKey") if not told.get(name.lower())]
    if missing:
        raise InputError(f"it says no {' and no '.join(missing)}", subject=_SUBJECT, hint=_HINT)
    name = told["accountname"]
    if not _ACCOUNT.fullmatch(name):
        raise InputError("its AccountName is no name of a storage account", subject=_SUBJECT, hint="3 to 24 lower-case letters and digits")
    address, said = told.get("blobendpoint"), "BlobEndpoint"
    if not address:
        said = "DefaultEndpointsProtocol or EndpointSuffix"
        behind = f"blob.{told['endpointsuffix']}" if told.get("endpointsuffix") else suffix
        address = f"{told.get('defaultendpointsprotocol', 'https')}://{name}.{behind}"
    endpoint = open_address(address.rstrip("/"), f"{said} in {_SUBJECT}")
    return StorageAccount(name, endpoint, account_key(told["accountkey"], subject=_SUBJECT))


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST[name]):
        raise InputError(f"{text!r} is no number from 1 to {_MOST[name]}", subject=name)
    return int(text)
