"""What is done in a storage account of Azure.

``account`` is the alias of the credentials (``azure-na``), not the name of the storage account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from penstock.model.digest import Digest
from penstock.publish.actions import Phase


@dataclass(frozen=True, slots=True)
class CreateContainer:
    """Have a container."""

    phase: ClassVar[Phase] = Phase.UPLOAD
    verb: ClassVar[str] = "create container"
    account: str
    container: str

    @property
    def where(self) -> str:
        """``azure-na pubupload``."""
        return f"{self.account} {self.container}"


@dataclass(frozen=True, slots=True)
class UploadBlob:
    """Have a VHD as page blob; needs the file (``PrepareFile``) and the container, makes ``BLOB``, its address without a signature.

    Attributes:
        account: the alias.
        container: in it.
        blob: the name in the container.
        content: SHA-256 of the VHD.
        size_bytes: of the VHD, footer included.
        tags: of the build and of the mapping, without that of the content.
    """

    phase: ClassVar[Phase] = Phase.UPLOAD
    verb: ClassVar[str] = "upload blob"
    account: str
    container: str
    blob: str
    content: Digest
    size_bytes: int
    tags: Mapping[str, str]

    @property
    def where(self) -> str:
        """``azure-na pubupload``."""
        return f"{self.account} {self.container}"


@dataclass(frozen=True, slots=True)
class CopyBlob:
    """Have a copy of a VHD that stands at an address, made by the service; needs the container, makes ``BLOB`` and ``OPERATION``.

    Attributes:
        account: the alias.
        container: in it.
        blob: the name in the container.
        source: the address without its query, which may hold a signature.
        tags: of the build and of the mapping.
    """

    phase: ClassVar[Phase] = Phase.UPLOAD
    verb: ClassVar[str] = "copy blob"
    account: str
    container: str
    blob: str
    source: str
    tags: Mapping[str, str]

    @property
    def where(self) -> str:
        """``azure-na pubupload``."""
        return f"{self.account} {self.container}"


@dataclass(frozen=True, slots=True)
class TagBlob:
    """Have the blob of the first dependency tagged; gives ``BLOB`` on."""

    phase: ClassVar[Phase] = Phase.UPLOAD
    verb: ClassVar[str] = "tag blob"
    account: str
    container: str
    blob: str
    tags: Mapping[str, str]

    @property
    def where(self) -> str:
        """``azure-na pubupload``."""
        return f"{self.account} {self.container}"


@dataclass(frozen=True, slots=True)
class DateBlob:
    """Have the blob of the first dependency tagged with the moment of its release (``release_date``); gives ``BLOB`` on.

    The first date stays: a push that is done again releases nothing again.
    """

    phase: ClassVar[Phase] = Phase.PUBLISH
    verb: ClassVar[str] = "date blob"
    account: str
    container: str
    blob: str

    @property
    def where(self) -> str:
        """``azure-na pubupload``."""
        return f"{self.account} {self.container}"


@dataclass(frozen=True, slots=True)
class DeleteBlob:
    """Have no such blob, and no snapshot of it; makes ``DELETED``: ``deleted`` or ``missing``."""

    phase: ClassVar[Phase] = Phase.DELETE
    verb: ClassVar[str] = "delete blob"
    account: str
    container: str
    blob: str

    @property
    def where(self) -> str:
        """``azure-na pubupload``."""
        return f"{self.account} {self.container}"


BlobAction = CreateContainer | UploadBlob | CopyBlob | TagBlob | DateBlob | DeleteBlob
"""What :class:`penstock.publish.azure.performing.BlobPerformer` does."""
