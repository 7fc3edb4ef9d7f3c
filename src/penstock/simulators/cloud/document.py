"""A catalogue as a JSON document: what ``--catalogue FILE`` reads.

Each key is a list of entries whose keys are the attributes of the values in :mod:`penstock.simulators.cloud.catalogue`; what is left out
has the value's default::

    {
        "azure": [
            {
                "publisher": "azureopenshift",
                "offer": "aro4",
                "sku": "420-v2",
                "version": "9.6.20251015",
                "arch": "x86_64",
                "generation": "hyperVGen2",
                "plan": false,
                "published_at": "2025-10-20T00:00:00Z",
                "deprecated_at": null,
                "removed_at": null,
                "locations": ["centralus"],
                "edge_zones": [],
                "clouds": ["AzureCloud"],
                "features": {"SecurityType": "TrustedLaunchSupported"},
            }
        ],
        "galleries": [
            {"gallery": "fedora-coreos-1234", "image": "fcos-x64", "version": "42.20250526.1", "tags": {"real_version": "42.20250526.2.1"}}
        ],
        "azure_sizes": [{"name": "Standard_D4s_v5", "generations": ["hyperVGen1", "hyperVGen2"]}],
        "azure_products": [{"offer": "rhel", "plans": ["9-lvm", "9-lvm-arm"], "publisher": "redhat", "previews": ["transient"]}],
        "aws": [{"region": "us-east-1", "id": "ami-0123456789abcdef0", "name": "rhcos-9.6.20251015-1-x86_64", "owner": "531415883065"}],
        "gcp": [{"project": "rhcos-cloud", "name": "rhcos-9-6-20251015-1-gcp-x86-64", "published_at": "2025-10-15T00:00:00Z"}],
        "aws_products": [{"id": "prod-abc", "title": "RHEL 9", "type": "AmiProduct", "owner": "123456789012"}],
        "aws_versions": [{"product": "prod-abc", "title": "9.4 20260511-1", "image": "ami-0123456789abcdef0", "visibility": "Public"}],
    }
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from datetime import datetime
from enum import Enum
from typing import Final

from penstock.formats.codec import Locate, decode
from penstock.formats.jsontext import locate_json, parse_json, write_json
from penstock.formats.text import Path, Position, fault
from penstock.model.record import Tree
from penstock.simulators.cloud.catalogue import (
    Ami,
    AwsProduct,
    AwsVersion,
    AzureImage,
    AzureProduct,
    AzureSize,
    Catalogue,
    GalleryImage,
    GcpImage,
)
from penstock.simulators.cloud.clock import moment_text

_LIMIT_BYTES = 256 << 20
"""A catalogue of 300,000 versions has some 60 MB."""
_ENTRIES: Final[Mapping[str, type]] = {
    "azure": AzureImage,
    "galleries": GalleryImage,
    "azure_sizes": AzureSize,
    "azure_products": AzureProduct,
    "aws": Ami,
    "gcp": GcpImage,
    "aws_products": AwsProduct,
    "aws_versions": AwsVersion,
}


def parse_catalogue(content: bytes, *, subject: str) -> Catalogue:
    """Read a catalogue.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    tree = parse_json(content, subject=subject, limit_bytes=_LIMIT_BYTES)

    def locate(path: Path) -> Position | None:
        return locate_json(content.decode(), path)

    _refuse_unknown(tree, _ENTRIES, (), subject, locate)
    for key, kind in _ENTRIES.items():
        entries = tree.get(key) if isinstance(tree, Mapping) else None
        for place, entry in enumerate(entries if isinstance(entries, list) else []):
            _refuse_unknown(entry, {part.name: part for part in fields(kind)}, (key, place), subject, locate)
    catalogue = decode(tree, Catalogue, subject=subject, locate=locate)
    for key in _ENTRIES:
        for place, entry in enumerate(getattr(catalogue, key)):
            for part in fields(entry):
                value = getattr(entry, part.name)
                if isinstance(value, datetime) and value.tzinfo is None:
                    path = (key, place, part.name)
                    raise fault("a time has a time zone: 2026-05-20T12:00:00Z", subject=subject, position=locate(path), path=path)
    return catalogue


def write_catalogue(catalogue: Catalogue) -> bytes:
    """The document; what has its default is left out."""
    written: dict[str, Tree] = {key: [_written(entry) for entry in getattr(catalogue, key)] for key in _ENTRIES}
    return write_json(written)


def _refuse_unknown(tree: Tree, known: Mapping[str, object], path: Path, subject: str, locate: Locate) -> None:
    """A misspelt ``deprecated_at`` must not pass for an image that lives for ever."""
    if isinstance(tree, Mapping):
        for key in tree:
            if key not in known:
                place = (*path, key)
                raise fault(
                    f"the key {key!r} is unknown; known are {', '.join(known)}", subject=subject, position=locate(place), path=place
                )


def _written(entry: object) -> Tree:
    told: dict[str, Tree] = {}
    for part in fields(entry):  # type: ignore[arg-type]  # one of _ENTRIES
        value = getattr(entry, part.name)
        if value != _default(part):
            told[part.name] = _plain(value)
    return told


def _default(part: "Field[object]") -> object:
    return part.default if part.default_factory is MISSING else part.default_factory()


def _plain(value: object) -> Tree:
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, frozenset):
        return [_plain(one) for one in sorted(value)]
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return value if value is None or isinstance(value, bool | int | float) else str(value)
