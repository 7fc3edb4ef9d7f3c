"""The JSON schemas (2020-12) of what the image service takes and gives, for its OpenAPI document."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from penstock.imageservice.catalogue import Stage
from penstock.imageservice.parsing import HOST_PATTERN
from penstock.imageservice.provenance import DOCUMENT_VERSION
from penstock.model.osimage import ImageType

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
HASH: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
SHA512: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{128}$"}
UUID: Final[Schema] = {"type": "string", "pattern": f"^{HOST_PATTERN}$"}
ARCH: Final[Schema] = {"type": "string", "enum": ["x86_64", "arm64", "aarch64", "ppc64le", "s390x"]}
TYPE: Final[Schema] = {"type": "string", "enum": [kind.value for kind in ImageType]}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_DIGEST: Final[Schema] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def ref(name: str) -> Schema:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Mapping[str, Schema], *, optional: Iterable[str] = ()) -> Schema:
    left_out = set(optional)
    return {"type": "object", "properties": dict(properties), "required": [name for name in properties if name not in left_out]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


_PULLED: Final = _object({"pullspec": TEXT, "digest": _DIGEST})

_ORIGIN: Final[Schema] = {
    "oneOf": [
        _object(
            {
                "kind": {"const": "payload"},
                "release": _PULLED,
                "machine_os_images": _PULLED,
                "layer": _object({"digest": _DIGEST}),
                "path": TEXT,
            }
        ),
        _object({"kind": {"const": "url"}, "url": TEXT}),
        _object({"kind": {"const": "file"}}),
    ]
}

_ENTRY: Final = {"openshift_version": TEXT, "cpu_architecture": TEXT, "url": TEXT, "version": TEXT}

SCHEMAS: Final[dict[str, Schema]] = {
    "Error": _object({"error": TEXT, "hint": TEXT}, optional=["hint"]),
    "Provenance": _object(
        {
            "document_version": {"const": DOCUMENT_VERSION},
            "etag": TEXT,
            "file_name": TEXT,
            "size_bytes": _COUNT,
            "host": TEXT,
            "type": TYPE,
            "image": _object(
                {"openshift_version": TEXT, "version": TEXT, "arch": ARCH, "type": TYPE, "names": _list(TEXT), "volume_id": TEXT}
            ),
            "origin": _ORIGIN,
            "file": _object({"sha256": HASH, "size_bytes": _COUNT, "checked": _list(TEXT)}),
            "base": _object({"type": TYPE, "size_bytes": _COUNT, "outside": _or_null(_DIGEST)}),
            "overlays": _list(_object({"offset": _COUNT, "length": _COUNT, "label": TEXT})),
        }
    ),
    "Images": _object({"images": _list(ref("Image"))}),
    "Image": _object(
        {
            "id": TEXT,
            "openshift_version": TEXT,
            "cpu_architecture": ARCH,
            "type": TYPE,
            "version": _or_null(TEXT),
            "url": TEXT,
            "release": TEXT,
            "release_version": TEXT,
            "stage": {"type": "string", "enum": [stage.value for stage in Stage]},
            "reason": TEXT,
            "done_bytes": _COUNT,
            "total_bytes": _or_null(_COUNT),
            "fallback": _or_null(TEXT),
            "ready": _list(ref("ReadyImage")),
        },
        optional=["url", "release", "release_version"],
    ),
    "ReadyImage": _object(
        {
            "version": TEXT,
            "openshift_version": TEXT,
            "names": _list(TEXT),
            "file_name": TEXT,
            "size_bytes": _COUNT,
            "sha256": HASH,
            "minimal_iso": {"type": "boolean"},
            "why_no_minimal_iso": TEXT,
        }
    ),
    "ImageIds": _object({"ids": _list(TEXT)}),
    "Addition": {
        "oneOf": [
            _object({"os_image": ref("OsImage")}) | {"additionalProperties": False},
            _object({"release_image": ref("ReleaseImage")}) | {"additionalProperties": False},
        ]
    },
    "OsImage": _object({**_ENTRY, "type": TYPE, "sha256": TEXT, "signature": TEXT}, optional=["type", "sha256", "signature"]),
    "ReleaseImage": _object({**_ENTRY, "cpu_architectures": _list(TEXT)}, optional=["cpu_architecture", "cpu_architectures"]),
    "AliasRequest": _object({"url": TEXT, "life_s": {"type": "integer", "minimum": 1}}, optional=["life_s"]),
    "Alias": _object({"alias": TEXT, "url": TEXT, "expires": {"type": "string", "format": "date-time"}}),
    "Form": _object({"config": TEXT, "image": TEXT, "type": TYPE}),
}
