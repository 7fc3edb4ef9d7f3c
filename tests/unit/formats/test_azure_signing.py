from base64 import b64decode

import pytest

from penstock.formats.azuresigning import account_key, service_sas_text, shared_key_text, signature
from penstock.model.errors import InputError


def test_a_request_is_signed_as_the_documentation_shows() -> None:
    # "Authorize with Shared Key", the example of Get Container Metadata.
    headers = {"x-ms-version": "2015-02-21", "x-ms-date": "Fri, 26 Jun 2015 23:39:12 GMT", "Content-Length": "0"}
    query = [("timeout", "20"), ("restype", "container"), ("comp", "metadata")]
    assert shared_key_text("GET", "myaccount", "/mycontainer", query, headers) == (
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
        "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"
    )


def test_values_of_a_repeated_parameter_are_joined_in_order() -> None:
    # The same page: include=snapshots,metadata,uncommittedblobs given one by one.
    query = [("include", "snapshots"), ("include", "metadata"), ("include", "uncommittedblobs")]
    assert shared_key_text("GET", "a", "/c", query, {}).endswith("/a/c\ninclude:metadata,snapshots,uncommittedblobs")


def test_the_date_of_a_request_is_signed_once() -> None:
    text = shared_key_text("PUT", "a", "/c", [], {"Date": "today", "X-MS-Date": "today", "Content-Length": "11"})
    assert text.count("today") == 1
    assert "\n11\n" in text


def test_an_address_is_signed_over_sixteen_fields() -> None:
    text = service_sas_text("a", "/c/b.vhd", {"sp": "r", "se": "2029-01-01T00:00:00Z", "sv": "2021-12-02", "sr": "b"})
    assert text.split("\n") == ["r", "", "2029-01-01T00:00:00Z", "/blob/a/c/b.vhd", *[""] * 3, "2021-12-02", "b", *[""] * 7]


def test_a_signature_is_hmac_sha256_in_base64() -> None:
    # RFC 4231, test case 2.
    expected = bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    assert b64decode(signature(b"Jefe", "what do ya want for nothing?")) == expected


@pytest.mark.parametrize("text", ["", "no base64!", "AAA"])
def test_a_key_that_is_no_base64_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InputError) as error:
        account_key(text, subject="the connection string")
    assert not text or text not in str(error.value)
