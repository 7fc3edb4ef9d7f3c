import json
from collections.abc import Mapping

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from penstock.adapters.gcp.answers import image_of, images_of, read_answer
from penstock.adapters.http.transport import Answer
from penstock.model.errors import NotFoundError, OperationError, PenstockError


def _answer(status: int, body: object) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, CIMultiDictProxy(CIMultiDict()), content, URL("https://compute.example.com/compute/v1/projects/x"))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": {"code": 404, "message": "The resource 'projects/x' was not found", "status": "NOT_FOUND"}}, NotFoundError),
        (404, b"<html>404 page not found</html>", OperationError),
        (404, {"error": "not found"}, OperationError),
        (403, {"error": {"code": 403}}, OperationError),
        (401, {"error": {"code": 401}}, OperationError),
        (400, b"", OperationError),
        (200, b"<html>log in</html>", OperationError),
        (200, [], OperationError),
    ],
)
def test_a_refusal_or_something_else_is_an_error_of_its_kind(status: int, body: object, kind: type[PenstockError]) -> None:
    with pytest.raises(PenstockError) as caught:
        read_answer(_answer(status, body), subject="images")
    assert type(caught.value) is kind
    assert "resource" not in caught.value.message


def test_a_list_without_items_is_empty_and_a_document_of_another_kind_is_none() -> None:
    assert images_of({"kind": "compute#imageList"}, "x", subject="images") == []
    with pytest.raises(OperationError):
        images_of({"message": "hello"}, "x", subject="images")


@pytest.mark.parametrize(
    "item",
    [{}, {"name": "rhcos"}, {"name": "rhcos", "creationTimestamp": "yesterday"}, {"creationTimestamp": "2026-01-01T00:00:00Z"}],
)
def test_an_item_that_is_no_image_is_an_error(item: Mapping[str, str]) -> None:
    with pytest.raises(OperationError):
        image_of(dict(item), "x", subject="images")


def test_a_time_is_read_with_its_offset() -> None:
    image = image_of({"name": "rhcos", "creationTimestamp": "2023-05-02T10:36:12.345-07:00"}, "x", subject="images")
    assert image.created.utctimetuple()[:5] == (2023, 5, 2, 17, 36)
    assert image.arch is None
