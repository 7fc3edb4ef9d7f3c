"""What the lint says: a level, a rule, a place, a sentence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from penstock.formats.text import Path, show_path


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Somebody downstream fails, or takes the wrong image."""
    WARNING = "warning"
    """Real documents have it, and somebody should look."""
    INFO = "info"
    """Worth knowing."""


class LintRule(StrEnum):
    """What is looked at; the value is what tools filter by."""

    SHAPE = "shape"
    """The document can be read as what it is."""
    UNKNOWN_KEY = "unknown-key"
    """Upstream's readers drop such a key when they write."""
    PROPOSED_KEY = "proposed-key"
    """So they do with a key that was proposed, and is in no upstream reader."""
    EMPTY_OBJECT = "empty-object"
    """It says nothing, and readers treat it as absent."""
    LAST_MODIFIED = "last-modified"
    GENERATOR_DIRTY = "generator-dirty"
    """Fedora CoreOS refuses documents of a generator that was not committed."""
    NAME_CONTENT = "name-content"
    """The name promises one release, the builds are of another."""
    RELEASE_MISSING = "release-missing"
    """Readers do not find a platform without a release."""
    RELEASE_VERSION = "release-version"
    MIXED_RELEASES = "mixed-releases"
    """One architecture has several builds."""
    MIXED_ARCHITECTURES = "mixed-architectures"
    """The architectures have different builds."""
    ARCHITECTURE_NAME = "architecture-name"
    ARCHITECTURE_HOLE = "architecture-hole"
    """The architecture lacks files that it has elsewhere."""
    IMAGE_HOLE = "image-hole"
    """There is a file for a cloud, and no image in it."""
    LOCATION = "location"
    FILE_ARCH = "file-arch"
    FILE_RELEASE = "file-release"
    FILE_PLATFORM = "file-platform"
    FILE_FORMAT = "file-format"
    SHA256_FORM = "sha256-form"
    SHA256_SHARED = "sha256-shared"
    """Two files cannot have one checksum."""
    UNCOMPRESSED_SHA256 = "uncompressed-sha256"
    SIGNATURE_MISSING = "signature-missing"
    AMI_FORM = "ami-form"
    GCP_IMAGE = "gcp-image"
    DIGEST_REF = "digest-ref"
    OBJECT_URL = "object-url"
    GALLERY = "gallery"
    MARKETPLACE_ARCH = "marketplace-arch"
    PLAN_BOOLEAN = "plan-boolean"
    AZURE_PUBLISHER = "azure-publisher"
    AZURE_OFFER = "azure-offer"
    AZURE_SKU = "azure-sku"
    AZURE_VERSION = "azure-version"
    AWS_PRODUCT = "aws-product"
    GCP_MARKETPLACE = "gcp-marketplace"
    DEFAULT_STREAM = "default-stream"
    """The default stream of a ConfigMap is one of its streams."""
    STREAM_LOST = "stream-lost"
    ARCHITECTURE_LOST = "architecture-lost"
    PLATFORM_LOST = "platform-lost"
    FORMAT_LOST = "format-lost"
    FORMAT_CHANGED = "format-changed"
    IMAGE_LOST = "image-lost"
    REGION_LOST = "region-lost"
    MARKETPLACE_LOST = "marketplace-lost"
    UPDATE_ORDER = "update-order"
    UPDATE_REASON = "update-reason"
    UPDATE_LOST = "update-lost"
    ROLLOUT = "rollout"


_NOTES: Final = frozenset({LintRule.UNKNOWN_KEY, LintRule.PROPOSED_KEY})
_WARNINGS: Final = frozenset(
    {
        LintRule.EMPTY_OBJECT,
        LintRule.LAST_MODIFIED,
        LintRule.NAME_CONTENT,
        LintRule.RELEASE_VERSION,
        LintRule.MIXED_RELEASES,
        LintRule.MIXED_ARCHITECTURES,
        LintRule.ARCHITECTURE_HOLE,
        LintRule.IMAGE_HOLE,
        LintRule.SIGNATURE_MISSING,
        LintRule.OBJECT_URL,
        LintRule.GALLERY,
        LintRule.MARKETPLACE_ARCH,
        LintRule.DEFAULT_STREAM,
        LintRule.FORMAT_CHANGED,
        LintRule.UPDATE_REASON,
        LintRule.UPDATE_LOST,
    }
)
LEVELS: Final[Mapping[LintRule, Level]] = MappingProxyType(
    {rule: Level.INFO if rule in _NOTES else Level.WARNING if rule in _WARNINGS else Level.ERROR for rule in LintRule}
)
"""How bad each is, where the finding itself does not say otherwise."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing that the lint says.

    Attributes:
        level: how bad it is.
        rule: which rule says so.
        path: the way to the value in the document.
        message: one sentence without a full stop.
    """

    level: Level
    rule: LintRule
    path: Path
    message: str

    @property
    def place(self) -> str:
        """The path as text: ``$.architectures.x86_64``."""
        return show_path(self.path)


Findings = Iterator[LintFinding]


def found(rule: LintRule, path: Path, message: str, level: Level | None = None) -> LintFinding:
    """A finding, as bad as its rule says or as ``level`` says."""
    return LintFinding(level or LEVELS[rule], rule, path, message)
