"""What is taken away, and hidden before.

The ids of the clouds are no outcome here but what is asked for, so they are fields.
"""

from dataclasses import dataclass
from typing import ClassVar

from penstock.model.push.aws import Place
from penstock.publish.actions import Phase


@dataclass(frozen=True, slots=True)
class HideImage:
    """Have RHSM show an image no more: ``invisible``."""

    phase: ClassVar[Phase] = Phase.RHSM
    verb: ClassVar[str] = "hide in rhsm"
    place: Place
    image: str
    provider: str
    product: str
    arch: str
    version: str | None
    variant: str | None
    name: str


@dataclass(frozen=True, slots=True)
class DeregisterImage:
    """Have no such image; notes ``SNAPSHOT``, the ids of its disks with spaces between them, before it is gone."""

    phase: ClassVar[Phase] = Phase.DELETE
    verb: ClassVar[str] = "deregister"
    place: Place
    image: str


@dataclass(frozen=True, slots=True)
class DeleteSnapshot:
    """Have no such snapshot, unless an image has it as a disk."""

    phase: ClassVar[Phase] = Phase.DELETE
    verb: ClassVar[str] = "delete snapshot"
    place: Place
    snapshot: str


@dataclass(frozen=True, slots=True)
class DeleteBlob:
    """Have no such blob, and no snapshot of it."""

    phase: ClassVar[Phase] = Phase.DELETE
    verb: ClassVar[str] = "delete blob"
    account: str
    container: str
    name: str

    @property
    def where(self) -> str:
        """The alias of the account, and the blob."""
        return f"{self.account} {self.container}/{self.name}"


@dataclass(frozen=True, slots=True)
class DeleteGceImage:
    """Have no such image in a project of Google Cloud."""

    phase: ClassVar[Phase] = Phase.DELETE
    verb: ClassVar[str] = "delete image"
    account: str
    project: str
    name: str

    @property
    def where(self) -> str:
        """The alias of the account, and the image."""
        return f"{self.account} {self.project}/{self.name}"
