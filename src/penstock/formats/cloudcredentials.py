"""Credentials of accounts of clouds, as pubtools-marketplacesvm reads them: JSON with an alias and what opens the account.

::

    {"marketplace_account": "aws-us-storage", "auth": {"AWS_IMAGE_ACCESS_KEY": "…", "AWS_IMAGE_SECRET_ACCESS": "…", …}}

Errors name keys, and never hold a value.  release-engineering/pubtools-marketplacesvm: ``_marketplacesvm/cloud_providers``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.formats.everyfault import DocumentFaults
from penstock.formats.jsontext import parse_json, write_json
from penstock.formats.text import DocumentFault, fault
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.push.accounts import (
    DEFAULT_AWS_BUCKET,
    DEFAULT_AWS_REGION,
    DEFAULT_AZURE_API_VERSION,
    AccountAlias,
    AwsCredential,
    AwsKeys,
    AzureCredential,
    CloudCredential,
    GcpCredential,
)
from penstock.model.record import Tree

LONGEST_CREDENTIAL_BYTES: Final = 1 << 20
"""The most that is read of one; a real one has less than 2 KiB."""

_ALIAS = "marketplace_account"
_AUTH = "auth"
_HINT = 'credentials are {"marketplace_account": "aws-us-storage", "auth": {"AWS_IMAGE_ACCESS_KEY": "…", …}}'


def parse_credential(content: bytes, *, subject: str, default_bucket: str = DEFAULT_AWS_BUCKET) -> CloudCredential:
    """Read what opens one account.

    Args:
        content: a JSON document.
        subject: what it is called in errors: a path, or which entry it is.
        default_bucket: of an account of AWS, where they name none (``UPLOAD_CONTAINER_NAME``).

    Raises:
        DocumentFaults: keys are missing or have values that cannot be, all of them named.
        InputError: it is no JSON object, or its alias is none.
    """
    tree = _object(content, subject)
    faults: list[DocumentFault] = []
    alias, auth = tree.get(_ALIAS), tree.get(_AUTH)
    if not isinstance(alias, str):
        faults.append(fault(f"the key {_ALIAS!r} is missing or no text", subject=subject))
    if not isinstance(auth, Mapping):
        faults.append(fault(f"the key {_AUTH!r} is missing or no object", subject=subject))
    if not isinstance(alias, str) or not isinstance(auth, Mapping):
        raise DocumentFaults(faults, subject=subject, hint=_HINT)
    account = _account(alias, subject)
    reader = _Auth(auth, subject, default_bucket)
    made = _READERS[account.cloud](account, reader)
    if reader.faults:
        raise DocumentFaults(reader.faults, subject=f"{subject} ({account})")
    return made


@dataclass(slots=True)
class _Auth:
    """The object ``auth``: gives values, and collects what is wrong with them."""

    tree: Mapping[str, Tree]
    subject: str
    default_bucket: str
    faults: list[DocumentFault] = field(default_factory=list)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that must not be empty; with ``default`` it may be absent or null."""
        value = self.tree.get(key)
        if value is None and default is not None:
            return default
        if key not in self.tree or value in (None, ""):
            self._wrong(key, "is missing" if key not in self.tree else "is empty")
        elif not isinstance(value, str):
            self._wrong(key, "is no text")
        elif value != value.strip():
            # Such a key is refused by the cloud with words about a signature.
            self._wrong(key, "has white space before or behind its value")
        else:
            return value
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts that may be absent or null."""
        value = self.tree.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self._wrong(key, "is no list")
            return ()
        found = tuple(each for each in value if isinstance(each, str) and each)
        if len(found) != len(value):
            # A number of an account that is written as a number has lost its zeros in front.
            self._wrong(key, "is a list of something other than texts")
        return found

    def service_account(self, key: str) -> str:
        """The key of a service account of Google, an object or the JSON of one; as JSON."""
        value = self.tree.get(key)
        if isinstance(value, str) and value.strip():
            try:
                value = parse_json(value.encode(), subject=key, limit_bytes=LONGEST_CREDENTIAL_BYTES)
            except InputError:  # its own words may quote the key
                self._wrong(key, "is neither an object nor the JSON of one")
                return ""
        elif not isinstance(value, Mapping):
            self.text(key)  # what is missing, empty or no text is told as elsewhere
            return ""
        if not isinstance(value, Mapping):
            self._wrong(key, "is neither an object nor the JSON of one")
            return ""
        parts = ("client_email", "private_key", "token_uri")
        missing = [part for part in parts if not (isinstance(value.get(part), str) and value.get(part))]
        if value.get("type") != "service_account":
            self._wrong(key, "is no key of a service account: its type is another")
        elif missing:
            self._wrong(key, f"has no {' and no '.join(missing)}")
        return write_json(value).decode()

    def _wrong(self, key: str, how: str) -> None:
        self.faults.append(fault(f"{key} {how}", subject=self.subject))


def _aws(alias: AccountAlias, auth: _Auth) -> CloudCredential:
    return AwsCredential(
        alias=alias,
        images=AwsKeys(auth.text("AWS_IMAGE_ACCESS_KEY"), auth.text("AWS_IMAGE_SECRET_ACCESS")),
        marketplace=AwsKeys(auth.text("AWS_MARKETPLACE_ACCESS_KEY"), auth.text("AWS_MARKETPLACE_SECRET_ACCESS")),
        access_role=auth.text("AWS_ACCESS_ROLE_ARN"),
        groups=auth.texts("AWS_GROUPS"),
        accounts=auth.texts("AWS_ACCOUNTS"),
        snapshot_accounts=auth.texts("AWS_SNAPSHOT_ACCOUNTS"),
        region=auth.text("AWS_REGION", DEFAULT_AWS_REGION),
        bucket=auth.text("AWS_S3_BUCKET", auth.default_bucket),
    )


def _azure(alias: AccountAlias, auth: _Auth) -> CloudCredential:
    connection = auth.text("AZURE_STORAGE_CONNECTION_STRING")
    if connection:
        missing = [part for part in ("AccountName", "AccountKey") if part not in _parts_of(connection)]
        if missing:
            problem = f"AZURE_STORAGE_CONNECTION_STRING has no {' and no '.join(missing)}"
            auth.faults.append(fault(problem, subject=auth.subject))
    return AzureCredential(
        alias=alias,
        tenant_id=auth.text("AZURE_TENANT_ID"),
        client_id=auth.text("AZURE_CLIENT_ID"),
        client_secret=auth.text("AZURE_API_SECRET"),
        connection_string=connection,
        api_version=auth.text("AZURE_API_VERSION", DEFAULT_AZURE_API_VERSION),
        publisher=auth.text("AZURE_PUBLISHER_NAME", ""),
        subscription_id=auth.text("AZURE_SUBSCRIPTION_ID", ""),
        resource_group=auth.text("AZURE_RESOURCE_GROUP", ""),
    )


def _gcp(alias: AccountAlias, auth: _Auth) -> CloudCredential:
    project, bucket = auth.text("GCP_PROJECT"), auth.text("GCP_BUCKET")
    return GcpCredential(alias=alias, project=project, bucket=bucket, service_account=auth.service_account("GCP_SERVICE_ACCOUNT"))


_READERS: Final = {Cloud.AWS: _aws, Cloud.AZURE: _azure, Cloud.GCP: _gcp}


def _parts_of(connection: str) -> Iterable[str]:
    """The names of the parts of a connection string that have a value."""
    pairs = (part.strip().partition("=") for part in connection.split(";"))
    return {name for name, _, value in pairs if value}


def _account(text: str, subject: str) -> AccountAlias:
    try:
        alias = AccountAlias.parse(text)
    except InputError as error:
        raise InputError(error.message, subject=subject, hint=error.hint) from None
    if alias.cloud not in _READERS:
        known = " and ".join(cloud.value for cloud in _READERS)
        raise InputError(f"there are no credentials for accounts of {alias.cloud.value}", subject=subject, hint=f"there are for {known}")
    return alias


def _object(content: bytes, subject: str) -> Mapping[str, Tree]:
    try:
        tree = parse_json(content, subject=subject, limit_bytes=LONGEST_CREDENTIAL_BYTES)
    except DocumentFault as error:
        # Its own words may quote the document.
        raise fault("is no JSON (RFC 8259)", subject=subject, position=error.position, hint=_HINT) from None
    if not isinstance(tree, Mapping):
        raise InputError("is no JSON object", subject=subject, hint=_HINT)
    return tree
