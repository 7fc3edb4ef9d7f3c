"""The published JSON Schemas: valid themselves, content with published documents, and as strict as reader and lint together."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from penstock.formats.stream_schema import SchemaKind, json_schema, render_schema
from penstock.model.record import UNKNOWN_KEYS
from penstock.streams.lint.checking import CheckedKind, check_document

Tree = dict[str, Any]
SHA256 = "ab" * 32
IMAGE = {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "rh-ocp-worker", "version": "9.6.2026030314"}
UPDATES: Tree = {
    "stream": "stable",
    "metadata": {"last-modified": "2026-07-21T14:07:12Z"},
    "releases": [
        {
            "version": "44.20260707.3.1",
            "metadata": {
                "barrier": {"reason": "https://example.com"},
                "rollout": {"duration_minutes": 2880, "start_epoch": 1784728800, "start_percentage": 0.5},
            },
        }
    ],
}
RELEASE: Tree = {
    "release": "44.20260707.3.1",
    "stream": "stable",
    "metadata": {"last-modified": "2026-07-21T14:07:12Z"},
    "architectures": {
        "x86_64": {
            "commit": SHA256,
            "media": {
                "aliyun": None,
                "qemu": {"artifacts": {"qcow2.xz": {"disk": {"location": "https://example.com/a", "sha256": SHA256, "signature": ""}}}},
            },
        }
    },
}
INDEX: Tree = {
    "releases": [
        {
            "commits": [{"architecture": "x86_64", "checksum": SHA256}],
            "version": "44.20260707.3.1",
            "metadata": "https://example.com/release.json",
        }
    ],
    "metadata": {"last-modified": "2026-07-21T14:07:12Z"},
    "stream": "stable",
}


def _accepts(kind: SchemaKind, document: object) -> bool:
    return Draft202012Validator(json.loads(render_schema(kind))).is_valid(document)


@pytest.mark.parametrize("kind", SchemaKind)
def test_a_schema_is_one_of_its_dialect(kind: SchemaKind) -> None:
    schema = json.loads(render_schema(kind))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("kind", SchemaKind)
def test_a_schema_has_the_same_bytes_every_time_and_tells_no_inner_names(kind: SchemaKind) -> None:
    assert render_schema(kind) == render_schema(kind)
    assert UNKNOWN_KEYS not in render_schema(kind).decode()
    assert b"``" not in render_schema(kind)


def test_every_reference_leads_to_a_definition() -> None:
    for kind in SchemaKind:
        schema = json_schema(kind)
        definitions = schema["$defs"]
        assert isinstance(definitions, dict)
        assert {f"#/$defs/{name}" for name in definitions} >= set(_references(json.loads(render_schema(kind))))


def _references(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        if "$ref" in tree:
            yield tree["$ref"]
        for part in tree.values():
            yield from _references(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _references(part)


def test_sound_documents_are_valid(stream: Tree, marketplace: Tree) -> None:
    documents = {
        SchemaKind.STREAM: stream,
        SchemaKind.MARKETPLACE: marketplace,
        SchemaKind.UPDATES: UPDATES,
        SchemaKind.RELEASE: RELEASE,
        SchemaKind.RELEASE_INDEX: INDEX,
    }
    assert [kind for kind in SchemaKind if not _accepts(kind, documents[kind])] == []


def test_unknown_keys_platforms_formats_and_regions_are_valid(stream: Tree) -> None:
    x86_64 = stream["architectures"]["x86_64"]
    stream["note"] = x86_64["note"] = 1
    x86_64["artifacts"]["hoverboard"] = {
        "release": "1",
        "formats": {"raw.lz4": {"disk": {"location": "https://x.example/y", "sha256": SHA256}}},
    }
    x86_64["images"]["aws"]["regions"]["mars-1"] = {"release": "1", "image": "ami-0123456789abcdef0"}
    assert _accepts(SchemaKind.STREAM, stream)


def test_the_proposed_parts_are_valid_in_their_forms_alone(stream: Tree) -> None:
    images = stream["architectures"]["x86_64"]["images"]
    marketplace = stream["architectures"]["x86_64"]["rhel-coreos-extensions"]["marketplace"]
    regions = {"us-east-1": {"release": "9.6.20260210-0", "image": "ami-0123456789abcdef0"}}
    marketplace["aws"] = {"ocp": {"product": "59ead7de-2540-4653-a8b0-fa7926d5c845", "regions": regions}}
    marketplace["gcp"] = {"ocp": {"project": "redhat-marketplace-public", "name": "redhat-coreos-ocp-413-x86-64-202305021736"}}
    good: list[object] = ["/CommunityGalleries/g/Images/i/Versions/latest", {"gallery": "g", "image": "i", "version": "1.2.3"}]
    wrong: list[object] = [1, {"gallery": "g"}, {"gallery": "g", "image": "i", "version": "newest"}]
    for gallery in good:
        images["azure-community"] = gallery
        assert _accepts(SchemaKind.STREAM, stream)
    for gallery in wrong:
        images["azure-community"] = gallery
        assert not _accepts(SchemaKind.STREAM, stream)


@pytest.mark.parametrize(
    "image",
    [
        {**IMAGE, "version": "9.6.2026030314-0"},
        {**IMAGE, "version": "9.6"},
        {**IMAGE, "publisher": "red:hat"},
        {**IMAGE, "purchasePlan": False},
        {**IMAGE, "thirdParty": False},
        {**IMAGE, "purchasePlan": "true"},
        {key: value for key, value in IMAGE.items() if key != "sku"},
    ],
)
def test_an_image_of_another_form_is_invalid(image: Tree) -> None:
    document = {"x86_64": {"azure": {"ocp": {"hyperVGen2": image}}}}
    assert _accepts(SchemaKind.MARKETPLACE, {"x86_64": {"azure": {"ocp": {"hyperVGen2": {**IMAGE, "purchasePlan": True}}}}})
    assert not _accepts(SchemaKind.MARKETPLACE, document)


def test_the_architectures_have_rpms_names() -> None:
    assert not _accepts(SchemaKind.MARKETPLACE, {"amd64": {}})
    assert not _accepts(SchemaKind.STREAM, {"stream": "s", "architectures": {"amd64": {}}})
    assert _accepts(SchemaKind.STREAM, {"stream": "s", "architectures": {"riscv64": {}}})


Step = str | int


def _paths(tree: object, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    members = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, part in members:
        yield (*path, step)
        yield from _paths(part, (*path, step))


def _changed(tree: Tree, path: tuple[Step, ...], value: object) -> Tree:
    made = copy.deepcopy(tree)
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return made


VALUES = st.sampled_from([..., None, 1, -1.5, True, "", "x", "1.2.3", [], ["x"], {}, {"x": 1}])
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@SHARED
@given(st.data())
def test_what_the_reader_refuses_the_schema_refuses_and_what_the_schema_refuses_the_lint_tells(
    stream: Tree, marketplace: Tree, data: st.DataObject
) -> None:
    kind, tree = data.draw(
        st.sampled_from([(CheckedKind.STREAM, stream), (CheckedKind.MARKETPLACE, marketplace), (CheckedKind.UPDATES, UPDATES)]), "document"
    )
    path = data.draw(st.sampled_from(list(_paths(tree))), "path")
    document = _changed(tree, path, data.draw(VALUES, "value"))
    report = check_document(json.dumps(document).encode(), subject="document", kind=kind)
    refused = any(placed.finding.rule == "shape" for placed in report.findings)
    valid = _accepts(SchemaKind(kind.value), document)
    assert not (refused and valid)
    assert valid or report.findings


def _real_documents(folder: Path) -> Iterator[tuple[str, SchemaKind]]:
    for file in sorted(folder.glob("*/*.json")):
        kind = {"marketplace": SchemaKind.MARKETPLACE, "installer": SchemaKind.STREAM}.get(file.parent.name)
        yield str(file), kind or (SchemaKind.UPDATES if file.name.startswith("updates") else SchemaKind.STREAM)


@pytest.mark.real_data
def test_published_documents_are_valid(real_data: Path) -> None:
    documents = dict(_real_documents(real_data / "streams"))
    assert set(documents.values()) == {SchemaKind.STREAM, SchemaKind.MARKETPLACE, SchemaKind.UPDATES}
    assert [name for name, kind in documents.items() if not _accepts(kind, json.loads(Path(name).read_bytes()))] == []
