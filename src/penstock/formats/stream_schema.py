"""The JSON Schemas (draft 2020-12) of the stream documents, made from the records that read them.

Names, types and what must be there come from the records, so the schema and the reader cannot drift apart.  What a type does not say (the
form of a checksum, of a version, of a key) is in the tables below, which the lint rules use as well.  Every object is open, as upstream's
readers are: a key that is not known is kept, and told by the lint.
"""

import inspect
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec
import msgspec.inspect

from penstock.formats.jsontext import write_json
from penstock.model.arch import Arch
from penstock.model.coreos_release import (
    CoreosRelease,
    GlobalImage,
    IndexOciImage,
    IndexRelease,
    Modified,
    OciImage,
    ReleaseArtifact,
    ReleaseIndex,
)
from penstock.model.marketplace import (
    AwsMarketplaceImages,
    AwsMarketplaceRegion,
    AzureMarketplace,
    AzureMarketplaceImage,
    Generation,
    Marketplace,
    MarketplaceFile,
    PurchasePlan,
)
from penstock.model.record import UNKNOWN_KEYS, Tree
from penstock.model.stream import Artifact, AzureGalleryImage, ContainerImage, Images, PlatformArtifacts, Stream, StreamMetadata
from penstock.model.updates import Reason, Rollout, Updates, UpdatesMetadata

SHA256: Final = "^[0-9a-f]{64}$"
URL: Final = "^https?://[^/\\s]+/\\S*$"
MOMENT: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
"""RFC 3339; upstream writes whole seconds in UTC, with Z."""
PINNED_PULLSPEC: Final = "^$|@sha256:[0-9a-f]{64}$"
"""Or nothing: the library writes the key in any case, and did when there was none."""
AMI: Final = "^ami-[0-9a-f]{8}(?:[0-9a-f]{9})?$"
UUID: Final = "^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
THREE_NUMBERS: Final = "^(?:0|[1-9][0-9]*)(?:\\.(?:0|[1-9][0-9]*)){2}$"
"""All that Azure takes as the version of an image."""
URN_PART: Final = "^[^:\\s]+$"
"""A publisher, an offer, a SKU; readers tell a URN by its three colons."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_OPEN: Final[Tree] = {"description": "A key that this version does not know; readers pass it over, and Penstock keeps it."}
_PROPOSED: Final = "Proposed: no upstream reader knows it, and all pass it over."


class SchemaKind(StrEnum):
    """The documents that have a schema."""

    STREAM = "stream"
    MARKETPLACE = "marketplace"
    UPDATES = "updates"
    RELEASE = "release"
    RELEASE_INDEX = "release-index"


_ROOTS: Final[Mapping[SchemaKind, tuple[object, str]]] = {
    SchemaKind.STREAM: (Stream, "CoreOS stream metadata"),
    SchemaKind.MARKETPLACE: (MarketplaceFile, "Marketplace images of a CoreOS stream"),
    SchemaKind.UPDATES: (Updates, "Update metadata of a CoreOS stream"),
    SchemaKind.RELEASE: (CoreosRelease, "A CoreOS release"),
    SchemaKind.RELEASE_INDEX: (ReleaseIndex, "The releases of a CoreOS stream"),
}

_CHECKSUMS: Final[Mapping[str, Mapping[str, Tree]]] = {
    "location": {"pattern": URL, "format": "uri"},
    "sha256": {"pattern": SHA256, "description": "Of the file as served."},
    "uncompressed-sha256": {"pattern": SHA256, "description": "Of its content, where the file is compressed."},
}
_LAST_MODIFIED: Final[Mapping[str, Mapping[str, Tree]]] = {"last-modified": {"pattern": MOMENT, "format": "date-time"}}
_PINNED: Final[Mapping[str, Mapping[str, Tree]]] = {"digest-ref": {"pattern": PINNED_PULLSPEC, "description": "The same image, pinned."}}

_FACTS: Final[Mapping[type, Mapping[str, Mapping[str, Tree]]]] = {
    Artifact: {**_CHECKSUMS, "signature": {"pattern": URL, "format": "uri", "description": "A detached OpenPGP signature."}},
    ReleaseArtifact: {**_CHECKSUMS, "signature": {"description": "A detached OpenPGP signature; may be empty."}},
    PlatformArtifacts: {"release": {"minLength": 1, "description": "The build; platforms of one stream may have different ones."}},
    StreamMetadata: _LAST_MODIFIED,
    UpdatesMetadata: _LAST_MODIFIED,
    Modified: _LAST_MODIFIED,
    ContainerImage: _PINNED,
    OciImage: _PINNED,
    IndexOciImage: _PINNED,
    GlobalImage: _PINNED,
    Images: {"azure-community": {"description": _PROPOSED}},
    Marketplace: {"aws": {"description": _PROPOSED}, "gcp": {"description": _PROPOSED}},
    AzureMarketplaceImage: {
        "publisher": {"pattern": URN_PART},
        "offer": {"pattern": URN_PART},
        "sku": {"pattern": URN_PART},
        "version": {"pattern": THREE_NUMBERS},
        "thirdParty": {"description": "False for no-purchase-plan, true for the others; upstream writes none."},
        "purchasePlan": {"description": "The same under another name."},
    },
    AwsMarketplaceImages: {"product": {"pattern": UUID}},
    AwsMarketplaceRegion: {"image": {"pattern": AMI}},
    AzureGalleryImage: {"version": {"pattern": f"{THREE_NUMBERS}|^latest$"}},
    Reason: {"reason": {"minLength": 1}},
    Rollout: {
        "duration_minutes": {"type": ["number", "null"], "minimum": 0},
        "start_epoch": {"type": ["number", "null"], "minimum": 0, "description": "Seconds since the epoch."},
        "start_percentage": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    },
    IndexRelease: {"metadata": {"pattern": URL, "format": "uri"}},
}
"""What the types do not say, by record and key."""

_RPM_NAMES: Final = sorted(arch.value for arch in Arch)
_OTHER_NAMES: Final = sorted({arch.oci for arch in Arch} - set(_RPM_NAMES))
_ARCHITECTURES: Final[Tree] = {"pattern": "^[a-z][a-z0-9_]*$", "not": {"enum": [*_OTHER_NAMES]}}
"""Open, because architectures come; but RPM's names, not Go's."""


def json_schema(kind: SchemaKind) -> dict[str, Tree]:
    """The schema of this document, as a plain tree; always the same one."""
    root, title = _ROOTS[kind]
    builder = _Builder()
    made = builder.schema(msgspec.inspect.type_info(root))
    if kind is SchemaKind.MARKETPLACE:
        made = {**_as_object(made), "propertyNames": {"enum": [*_RPM_NAMES]}, "minProperties": 1}
    head: dict[str, Tree] = {"$schema": _DIALECT, "$id": f"urn:penstock:schema:{kind}", "title": title}
    return {**head, **_as_object(made), "$defs": dict(sorted(builder.definitions.items()))}


def render_schema(kind: SchemaKind) -> bytes:
    """The schema as a JSON document."""
    return write_json(json_schema(kind))


class _Builder:
    """Walks types; each record becomes one definition, named after its class."""

    def __init__(self) -> None:
        self.definitions: dict[str, Tree] = {}

    def schema(self, found: msgspec.inspect.Type) -> Tree:
        """The schema of any type that a record has."""
        match found:
            case msgspec.inspect.StructType():
                return self._reference(found)
            case msgspec.inspect.DictType():
                return {"type": "object", "additionalProperties": self.schema(found.value_type)}
            case msgspec.inspect.ListType() | msgspec.inspect.CollectionType():
                return {"type": "array", "items": self.schema(found.item_type)}
            case msgspec.inspect.UnionType():
                return self._union(found)
            case msgspec.inspect.StrType():
                return {"type": "string"}
            case msgspec.inspect.BoolType():
                return {"type": "boolean"}
            case msgspec.inspect.IntType():
                return {"type": "integer"}
            case msgspec.inspect.FloatType():
                return {"type": "number"}
            case msgspec.inspect.NoneType():
                return {"type": "null"}
            case msgspec.inspect.AnyType():
                return {}
        raise TypeError(f"no schema is known for {found!r}")

    def _union(self, found: msgspec.inspect.UnionType) -> Tree:
        branches = [self.schema(branch) for branch in found.types]
        types: list[Tree] = [branch["type"] for branch in branches if isinstance(branch, dict) and branch.keys() == {"type"}]
        if len(types) == len(branches):
            return {"type": types}
        return {"anyOf": branches}

    def _reference(self, found: msgspec.inspect.StructType) -> Tree:
        name = found.cls.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # it may lead back to itself
            self.definitions[name] = self._definition(found)
        return {"$ref": f"#/$defs/{name}"}

    def _definition(self, found: msgspec.inspect.StructType) -> Tree:
        known = [field for field in found.fields if field.encode_name != UNKNOWN_KEYS]
        properties = {field.encode_name: self._property(found.cls, field) for field in known}
        required: Tree = [field.encode_name for field in known if field.required]
        made: dict[str, Tree] = {"description": _sentence(found.cls), "type": "object", "properties": properties}
        if required:
            made["required"] = required
        made["additionalProperties"] = _OPEN
        return made

    def _property(self, owner: type, field: msgspec.inspect.Field) -> Tree:
        made = {**_as_object(self.schema(field.type)), **_FACTS.get(owner, {}).get(field.encode_name, {})}
        if field.encode_name == "architectures":
            made["propertyNames"] = _ARCHITECTURES
        if owner is AzureMarketplace:
            made["properties"] = _booleans_of(PurchasePlan(field.encode_name))
        return made


def _booleans_of(plan: PurchasePlan) -> Tree:
    """The booleans of a plan's images: what the plan says, or nothing."""
    said: Tree = {"enum": [plan.paid, None]}
    return {generation.value: {"properties": {"thirdParty": said, "purchasePlan": said}} for generation in Generation}


def _sentence(record: type) -> str:
    """The first paragraph of a record's docstring, without its markup."""
    paragraph = (inspect.getdoc(record) or "").partition("\n\n")[0]
    return re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", paragraph).replace("``", "").replace("\n", " ")


def _as_object(tree: Tree) -> dict[str, Tree]:
    if not isinstance(tree, Mapping):
        raise TypeError(f"{tree!r} is no object")
    return dict(tree)
