"""Kernel arguments out of the document of an infra-env."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.assisted.answers import arguments_of
from penstock.model.errors import VerificationError

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


def document(arguments: object) -> bytes:
    return json.dumps({"id": "x", "kernel_arguments": arguments, "other": [1.5, None]}).encode()


@given(st.lists(WORDS))
def test_appended_values_come_in_their_order(values: list[str]) -> None:
    text = json.dumps([{"operation": "append", "value": value} for value in values])
    assert arguments_of(document(text), subject="x") == tuple(values)


@pytest.mark.parametrize("arguments", [None, "", "null", "[]", '[{"operation": "append"}]', '[{"operation": "append", "value": " "}]'])
def test_nothing_to_append_is_no_error(arguments: str | None) -> None:
    assert arguments_of(document(arguments), subject="x") == ()
    assert arguments_of(b"{}", subject="x") == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        document(["quiet"]),
        document(7),
        document("7"),
        document("quiet"),
        document('["quiet"]'),
        document('[{"operation": "append", "value": 7}]'),
        document('[{"operation": "Append", "value": "quiet"}]'),
    ],
)
def test_another_shape_is_an_error(content: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        arguments_of(content, subject="x")
    assert "quiet" not in str(caught.value)


@given(st.binary())
def test_whatever_comes_it_is_arguments_or_that_error(content: bytes) -> None:
    for whole in (content, document(content.decode("latin-1"))):
        try:
            assert isinstance(arguments_of(whole, subject="x"), tuple)
        except VerificationError as error:
            assert error.__context__ is None  # noqa: PT017  # both are right
