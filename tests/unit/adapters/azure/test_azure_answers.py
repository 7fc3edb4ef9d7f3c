"""What answers of the resource manager mean, good and bad."""

import json
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from penstock.adapters.azure.answers import details_of, gallery_page, names_of, read_answer
from penstock.adapters.http.transport import Answer
from penstock.model.arch import Arch
from penstock.model.catalogue import AzureSku, ImageDeprecated, Lifecycle
from penstock.model.errors import NotFoundError, OperationError, PenstockError
from penstock.model.marketplace import Generation

SKU = AzureSku("azureopenshift", "aro4", "420-v2")


def answer(status: int, body: object) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, CIMultiDictProxy(CIMultiDict()), content, URL("https://management.azure.com/x?secret=1"))


def refusal(status: int, code: str) -> Answer:
    return answer(status, {"error": {"code": code, "message": "quotes a token: eyJ0"}})


@pytest.mark.parametrize("code", ["NotFound", "PlatformImageNotFound", "GalleryImageNotFound"])
def test_what_nobody_publishes_is_not_found(code: str) -> None:
    with pytest.raises(NotFoundError):
        read_answer(refusal(404, code), subject="x")


def test_a_deprecated_version_is_told_apart() -> None:
    with pytest.raises(ImageDeprecated):
        read_answer(refusal(404, "ImageVersionDeprecated"), subject="x")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "SubscriptionNotFound"),
        (404, "InvalidResourceNamespace"),
        (404, "ResourceGroupNotFound"),
        (404, ""),
        (400, "MissingApiVersionParameter"),
        (400, "NoRegisteredProviderFound"),
        (401, "AuthenticationFailed"),
        (401, "InvalidAuthenticationToken"),
        (403, "AuthorizationFailed"),
        (204, ""),
    ],
)
def test_any_other_refusal_is_an_error_and_never_a_missing_image(status: int, code: str) -> None:
    """A missing image may be pruned; a wrong subscription may not look like one."""
    with pytest.raises(OperationError) as caught:
        read_answer(refusal(status, code), subject="x")
    assert code in str(caught.value)
    assert caught.value.hint
    assert "eyJ0" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>not found</html>", b"", b'{"error": "NotFound"}', b'{"error": {"code": "Not Found\\u001b[31m"}}'])
def test_a_404_of_a_stranger_is_an_error(body: bytes) -> None:
    with pytest.raises(OperationError) as caught:
        read_answer(answer(404, body), subject="x")
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[", b'[{"name": "1.2.3"}', b"\xff"])
def test_half_a_document_is_an_error(body: bytes) -> None:
    with pytest.raises(OperationError):
        read_answer(answer(200, body), subject="x")


def test_a_listing_is_a_bare_array() -> None:
    assert names_of([{"name": "1.0.1"}, {"name": "1.0.0", "id": "…"}], subject="x") == ("1.0.1", "1.0.0")
    assert names_of([], subject="x") == ()


@pytest.mark.parametrize("tree", [{"value": []}, None, [{"id": "x"}], ["1.0.0"], [{"name": 1}], [{"name": ""}]])
def test_anything_else_is_no_listing(tree: object) -> None:
    with pytest.raises(OperationError, match="no listing"):
        names_of(tree, subject="x")  # type: ignore[arg-type]


def test_a_version_is_read_whole() -> None:
    properties = {
        "hyperVGeneration": "V2",
        "architecture": "Arm64",
        "plan": {"publisher": "redhat", "name": "rh-ocp-worker", "product": "rh-ocp"},
        "imageDeprecationStatus": {"imageState": "ScheduledForDeprecation", "scheduledDeprecationTime": "2026-12-01T00:00:00Z"},
    }
    found = details_of({"properties": properties}, SKU, "1.0.0")  # type: ignore[dict-item]
    assert (found.arch, found.generation, found.plan) == (Arch.AARCH64, Generation.GEN2, ("redhat", "rh-ocp", "rh-ocp-worker"))
    assert (found.lifecycle, found.deprecated_on and found.deprecated_on.year) == (Lifecycle.SCHEDULED, 2026)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "properties",
                    "plan",
                    "architecture",
                    "hyperVGeneration",
                    "imageDeprecationStatus",
                    "value",
                    "nextLink",
                    "name",
                    "artifactTags",
                ]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from([HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN]))
def test_whatever_is_answered_comes_to_a_value_or_an_error_of_ours(body: object, status: HTTPStatus) -> None:
    try:
        tree = read_answer(answer(status, body), subject="x")
    except PenstockError:
        return
    for reader in (
        lambda: names_of(tree, subject="x"),
        lambda: details_of(tree, SKU, "1.0.0"),
        lambda: gallery_page(tree, "g", "i"),
    ):
        try:
            reader()
        except PenstockError:
            continue
