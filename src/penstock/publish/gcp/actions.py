"""What is done in a project of Google Cloud."""

from dataclasses import dataclass
from typing import ClassVar

from penstock.model.digest import Digest
from penstock.model.push.gcp import DeprecationState, GceInsertion
from penstock.publish.actions import Phase


@dataclass(frozen=True, slots=True)
class UploadArchive:
    """Have the disk in a bucket, as a ``.tar.gz``; needs the file, makes ``OBJECT``."""

    phase: ClassVar[Phase] = Phase.UPLOAD
    verb: ClassVar[str] = "upload"
    account: str
    bucket: str
    key: str
    content: Digest

    @property
    def where(self) -> str:
        """``gcp-us-storage bucket``."""
        return f"{self.account} {self.bucket}"


@dataclass(frozen=True, slots=True)
class InsertImage:
    """Have an image of an object; needs it, makes ``IMAGE``."""

    phase: ClassVar[Phase] = Phase.REGISTER
    verb: ClassVar[str] = "insert image"
    account: str
    project: str
    bucket: str
    content: Digest
    insertion: GceInsertion

    @property
    def where(self) -> str:
        """``gcp-us-storage project``."""
        return f"{self.account} {self.project}"


@dataclass(frozen=True, slots=True)
class _OfImage:
    """About the image of the first dependency."""

    account: str
    project: str
    name: str

    @property
    def where(self) -> str:
        """``gcp-us-storage project``."""
        return f"{self.account} {self.project}"


@dataclass(frozen=True, slots=True)
class GrantUse(_OfImage):
    """Let members (``group:qa@example.com``) make machines of the image."""

    phase: ClassVar[Phase] = Phase.SHARE
    verb: ClassVar[str] = "share"
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MakeGcePublic(_OfImage):
    """Let every account of Google make machines of the image, and see that they can."""

    phase: ClassVar[Phase] = Phase.PUBLIC
    verb: ClassVar[str] = "make public"


@dataclass(frozen=True, slots=True)
class SetFamily(_OfImage):
    """Put the image into a family: who asks for the family's newest image gets it from now on."""

    phase: ClassVar[Phase] = Phase.PUBLISH
    verb: ClassVar[str] = "set family"
    family: str


@dataclass(frozen=True, slots=True)
class DeprecatePrevious(_OfImage):
    """Put the family's older images of the same architecture out of use, in favour of this one."""

    phase: ClassVar[Phase] = Phase.RESTRICT
    verb: ClassVar[str] = "deprecate previous"
    family: str
    architecture: str
    state: DeprecationState
