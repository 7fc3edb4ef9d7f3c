"""Accounts of clouds under the aliases of the mappings, and what opens them.

``aws-us-storage`` names an account, ``AWS`` (a mapping's ``provider``) names a part of RHSM's catalogue; the two are not the same.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError

DEFAULT_AWS_REGION = "us-east-1"
DEFAULT_AWS_BUCKET = "pubupload"
DEFAULT_AZURE_API_VERSION = "2022-07-01"

_ALIAS = re.compile(r"(?P<cloud>aws|azure|gcp)-(?:[a-z0-9-]+-)?(?:na|emea|storage)")


class Purpose(StrEnum):
    """What an account is for."""

    MARKETPLACE = "marketplace"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True, order=True)
class AccountAlias:
    """``aws-na``, ``aws-us-storage``, ``azure-emea``: the ``marketplace_account`` of credentials and the key of a mapping."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "AccountAlias":
        """Read an alias.

        Raises:
            InputError: it names no cloud, or ends otherwise than the known ones.
        """
        if _ALIAS.fullmatch(text) is None:
            hint = "an alias is a cloud, and -na, -emea or -storage at its end: aws-na, aws-us-storage, azure-emea"
            raise InputError(f"{text!r} is no alias of an account", hint=hint)
        return cls(text)

    @property
    def cloud(self) -> Cloud:
        """Whose account it is."""
        return Cloud(self.text.partition("-")[0])

    @property
    def purpose(self) -> Purpose:
        """For marketplaces (``-na``, ``-emea``) or for community images (``-storage``)."""
        return Purpose.STORAGE if self.text.endswith("-storage") else Purpose.MARKETPLACE

    def __str__(self) -> str:
        """As it is written."""
        return self.text


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """A pair of keys; neither is shown.  The id is no secret to AWS, and upstream's files call both one."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCredential:
    """What opens an account of AWS.

    Attributes:
        alias: of the account.
        images: to upload, import and register.
        marketplace: to change products.
        access_role: the ARN of the role by which the marketplace reads images.
        groups: shared with, where the mapping says nothing.
        accounts: shared with, where the mapping says nothing.
        snapshot_accounts: may make volumes of snapshots, where the mapping says nothing.
        region: for marketplace uploads.
        bucket: for marketplace uploads.
    """

    alias: AccountAlias
    images: AwsKeys
    marketplace: AwsKeys
    access_role: str = field(repr=False)
    groups: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    snapshot_accounts: tuple[str, ...] = ()
    region: str = DEFAULT_AWS_REGION
    bucket: str = DEFAULT_AWS_BUCKET


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureCredential:
    """What opens an account of Azure.

    Attributes:
        alias: of the account.
        tenant_id: of the directory.
        client_id: of the application.
        client_secret: of the same.
        connection_string: of the storage account that VHDs are uploaded to.
        api_version: of product ingestion.
        publisher: the first part of URNs; ``""`` where nobody says it.
        subscription_id: of galleries; ``""`` where there are none.
        resource_group: of galleries and of the storage account; ``""`` where there are none.
    """

    alias: AccountAlias
    tenant_id: str = field(repr=False)
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    connection_string: str = field(repr=False)
    api_version: str = DEFAULT_AZURE_API_VERSION
    publisher: str = ""
    subscription_id: str = field(default="", repr=False)
    resource_group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpCredential:
    """What opens a project of Google Cloud.

    Attributes:
        alias: of the project.
        project: its id.
        bucket: that images are uploaded to.
        service_account: the JSON of its key; secret.
    """

    alias: AccountAlias
    project: str
    bucket: str
    service_account: str = field(repr=False)


CloudCredential = AwsCredential | AzureCredential | GcpCredential
_C = TypeVar("_C", AwsCredential, AzureCredential, GcpCredential)


@dataclass(frozen=True, slots=True)
class CredentialSet:
    """All credentials of a run, by alias; of two for one account the later one counts.

    Attributes:
        found: in the order given.
    """

    found: tuple[CloudCredential, ...] = ()

    def aws(self, alias: AccountAlias) -> AwsCredential:
        """Those for an account of AWS.

        Raises:
            InputError: there are none; the message names the accounts that there are some for.
        """
        return self._of(alias, AwsCredential)

    def azure(self, alias: AccountAlias) -> AzureCredential:
        """Those for an account of Azure; raises as :meth:`aws`."""
        return self._of(alias, AzureCredential)

    def gcp(self, alias: AccountAlias) -> GcpCredential:
        """Those for a project of Google Cloud; raises as :meth:`aws`."""
        return self._of(alias, GcpCredential)

    def _of(self, alias: AccountAlias, kind: type[_C]) -> _C:
        for credential in reversed(self.found):
            if credential.alias == alias and isinstance(credential, kind):
                return credential
        known = ", ".join(sorted({each.alias.text for each in self.found})) or "none"
        raise InputError("there are no credentials for this account", subject=alias.text, hint=f"credentials were given for: {known}")
