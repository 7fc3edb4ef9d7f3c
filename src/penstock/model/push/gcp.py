"""What Compute Engine and Cloud Storage say of images on their way, and what they are asked to make."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from penstock.model.digest import Digest
from penstock.model.errors import OperationError

CONTENT_LABEL = "penstock-sha256"
"""The label of an image, and the metadata of an object, that say which raw disk is in them.

A label has 63 characters at most and a SHA-256 has 64 hexadecimal digits, so a label holds it in base32 (RFC 4648, small letters, without
padding: 52 characters), whole.  The metadata of objects and the descriptions of images hold the hexadecimal digits.
"""

GIB = 1024**3
EVERYBODY = "allAuthenticatedUsers"
"""Who gets a public image; Compute Engine takes ``allUsers`` for none."""

_IN_DESCRIPTION = re.compile(rf"(?m)^{CONTENT_LABEL}=([0-9a-f]{{64}})$")
_LONGEST_DESCRIPTION = 2048


def label_of(content: Digest) -> str:
    """The value of :data:`CONTENT_LABEL`."""
    return base64.b32encode(bytes.fromhex(content.hex)).decode().rstrip("=").lower()


def content_of_label(text: str) -> Digest | None:
    """What a label says of the content; None where it says nothing that can be read."""
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return None
    return Digest("sha256", raw.hex()) if len(raw) == 32 and text == text.lower() else None


def described(description: str, content: Digest) -> str:
    """The description with a line that says the content: labels are changed by many tools, descriptions by few."""
    line = f"{CONTENT_LABEL}={content.hex}"
    return f"{description[: _LONGEST_DESCRIPTION - len(line) - 1]}\n{line}".lstrip("\n")


def content_of_image(labels: Mapping[str, str], description: str) -> Digest | None:
    """What an image says of its content: its description, else its label."""
    found = _IN_DESCRIPTION.search(description)
    return Digest("sha256", found[1]) if found else content_of_label(labels.get(CONTENT_LABEL, ""))


class DeprecationState(StrEnum):
    """How far an image is out of use: ``DEPRECATED`` warns, the others make no machines any more."""

    ACTIVE = "ACTIVE"
    DEPRECATED = "DEPRECATED"
    OBSOLETE = "OBSOLETE"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGceImage:
    """An image of a project.

    Attributes:
        name: unique in its project.
        number: its ``id``.
        status: ``PENDING``, ``READY``, ``FAILED`` or ``DELETING``.
        architecture: ``X86_64``, ``ARM64``, or ``""`` where it is not told.
        created: when.
        family: or ``""``.
        description: of it.
        labels: of it.
        licenses: addresses, as they are told.
        guest_os_features: their types.
        state: whether it is out of use.
    """

    name: str
    number: str
    status: str
    architecture: str
    created: datetime
    family: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    licenses: tuple[str, ...] = ()
    guest_os_features: tuple[str, ...] = ()
    state: DeprecationState = DeprecationState.ACTIVE

    @property
    def content(self) -> Digest | None:
        """What is in it, as far as it says so."""
        return content_of_image(self.labels, self.description)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGcsObject:
    """An object in a bucket; ``metadata`` is that of the one who put it there."""

    key: str
    size_bytes: int
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> Digest | None:
        """The raw disk that is in it, as far as it says so."""
        text = self.metadata.get(CONTENT_LABEL, "")
        return Digest("sha256", text) if re.fullmatch("[0-9a-f]{64}", text) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GceOperation:
    """Something that goes on in a project.

    Attributes:
        name: by which it is asked for.
        done: whether it is over.
        progress_percent: 0 to 100.
        error: why it failed, in the service's words; ``""`` where it did not.
    """

    name: str
    done: bool
    progress_percent: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GceInsertion:
    """All that ``images.insert`` is told, but the object.

    Attributes:
        name: of the image.
        description: with the line that says the content.
        architecture: in Google's words.
        licenses: addresses.
        guest_os_features: types.
        labels: with :data:`CONTENT_LABEL`.
        storage_locations: where Google keeps it; none leaves it to Google.
    """

    name: str
    description: str
    architecture: str
    licenses: tuple[str, ...] = ()
    guest_os_features: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    storage_locations: tuple[str, ...] = ()


class GceNameTaken(OperationError):
    """The project has an image of this name (409 ``alreadyExists``): found late, or made by somebody meanwhile."""
