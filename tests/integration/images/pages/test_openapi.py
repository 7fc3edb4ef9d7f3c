"""The OpenAPI document against the routes of the application, and the answers against the document."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from jsonschema.validators import Draft202012Validator

from penstock.imageservice.catalogue import ReadyImage

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.pages.conftest import MakeService, Service

VERSION = "418.94.202501221327-0"
HOST = "01234567-89ab-cdef-0123-456789abcdef"
TOKEN = "e30.eyJzdWIiOiIwMTIzNDU2Ny04OWFiLWNkZWYtMDEyMy00NTY3ODlhYmNkZWYifQ.e30"
SAMPLES = {
    "host": HOST,
    "version": VERSION,
    "arch": "x86_64",
    "file_name": "full.iso",
    "token": TOKEN,
    "api_key": TOKEN,
    "artifact": "kernel",
    "alias": "A" * 22,
    "id": HOST,
}
Document = dict[str, Any]


@pytest.fixture
def service(
    make_service: "MakeService", ready: ReadyImage, listen: Callable[..., "AbstractContextManager[Service]"]
) -> "Iterator[Service]":
    with listen(make_service(ready)) as running:
        (running.folder / f"{HOST}.ign").write_text('{"ignition": {"version": "3.4.0"}}')
        yield running


@pytest.fixture
def document(service: "Service", ask: "Ask") -> Document:
    found: Document = json.loads(ask(f"{service.url}/openapi.json").body)
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        yield from (
            (method, path, {**operation, "shared": item.get("parameters", [])})
            for method, operation in item.items()
            if method != "parameters"
        )


def test_every_operation_of_the_document_is_answered_by_the_application(document: Document, service: "Service", ask: "Ask") -> None:
    for method, path, _ in operations(document):
        answer = ask(service.url + re.sub(r"\{(\w+)\}", lambda name: SAMPLES[name[1]], path), method.upper())
        assert answer.status != 405, (method, path)
        # Aliases are unknown, and the id of an image is none of a host: these are found, and say so.
        if path not in ("/a/{alias}.iso", "/v1/images/{id}"):
            assert answer.status != 404, (method, path)


def test_every_route_of_the_application_is_in_the_document(document: Document) -> None:
    # The document is made of the application's routes: one without an entry in its tables would have no document at all.
    assert {"/i/{host}.iso", "/i/{host}/{version}/{arch}.iso", "/t/{token}/{version}.iso", "/a/{alias}.iso"} <= set(document["paths"])
    assert {"/", "/page.css", "/health", "/live", "/metrics", "/openapi.json", "/v1/images", "/v1/provenance/{id}"} <= set(
        document["paths"]
    )
    assert {"/byid/{host}/{version}/{arch}/{file_name}", "/images/{host}/pxe-initrd", "/v1/aliases"} <= set(document["paths"])


def test_every_schema_is_one(document: Document) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(document: Document) -> None:
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert name in document["components"]["schemas"]
    for _, _, operation in operations(document):
        for offer in operation.get("security", []):
            assert set(offer) <= set(document["components"]["securitySchemes"])


def test_the_parameters_of_a_path_are_those_in_its_braces(document: Document) -> None:
    for _, path, operation in operations(document):
        declared = {one["name"] for one in operation["shared"] if one["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))
        assert all(one["required"] for one in operation["shared"])


def test_operations_have_names_of_their_own(document: Document) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert document["openapi"].startswith("3.1.")


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/images", "Images"),
        (f"/v1/provenance/{HOST}?version={VERSION}&type=full-iso", "Provenance"),
        (f"/v1/provenance/{HOST}?version={VERSION}&type=minimal-iso", "Provenance"),
        (f"/v1/provenance/{HOST}", "Error"),
    ],
)
def test_what_is_answered_is_what_the_document_says(document: Document, service: "Service", ask: "Ask", path: str, schema: str) -> None:
    wanted = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    jsonschema.validate(json.loads(ask(service.url + path).body), wanted, cls=Draft202012Validator)
