"""Digests: their text, their bytes, their order."""

import hashlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.digest import Digest
from penstock.model.errors import InputError

_hex = st.text("0123456789abcdef", min_size=64, max_size=64)
digests = st.one_of(
    st.builds(Digest, st.just("sha256"), _hex),
    st.builds(Digest, st.just("sha512"), st.text("0123456789abcdef", min_size=128, max_size=128)),
)


@given(digests)
def test_a_digest_reads_back(digest: Digest) -> None:
    assert Digest.parse(str(digest)) == digest
    assert str(digest).endswith(digest.hex)
    assert digest.hex.startswith(digest.short)


@given(st.binary(), st.lists(st.integers(0, 64), max_size=3))
def test_bytes_have_one_digest_however_they_are_fed(content: bytes, cuts: list[int]) -> None:
    digest = Digest.of(content)
    hasher = digest.hasher()
    start = 0
    for cut in [*sorted(cuts), len(content)]:
        hasher.update(content[start:cut])
        start = max(start, cut)
    assert digest.matches(hasher)
    assert Digest.of(memoryview(content)) == digest == Digest.of(bytearray(content))


@given(st.binary(), st.binary(min_size=1))
def test_other_bytes_do_not_match(content: bytes, more: bytes) -> None:
    digest = Digest.of(content)
    hasher = digest.hasher()
    hasher.update(content + more)
    assert not digest.matches(hasher)


def test_a_hash_of_another_algorithm_does_not_match() -> None:
    digest = Digest("sha512", hashlib.sha512(b"water").hexdigest())
    assert digest.matches(hashlib.sha512(b"water"))
    assert not digest.matches(hashlib.sha256(b"water"))


def test_the_sha256sum_program_agrees() -> None:
    printed = subprocess.run(["sha256sum"], input=b"penstock\n", capture_output=True, check=True).stdout.decode().split()[0]
    assert Digest.from_sha256(printed) == Digest.from_sha256(printed.upper()) == Digest.of(b"penstock\n")


@given(digests, digests)
def test_the_order_is_that_of_the_text(a: Digest, b: Digest) -> None:
    assert (a < b) == (str(a) < str(b))
    assert (a <= b) == (str(a) <= str(b))
    assert (a == b) == (str(a) == str(b)) == (len({a, b}) == 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:abc",
        "a" * 64,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "a" * 65,
        "sha512:" + "a" * 64,
        "md5:" + "a" * 32,
        "SHA256:" + "a" * 64,
        " sha256:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "٣" * 64,
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        Digest.parse(text)
    assert refusal.value.hint


@pytest.mark.parametrize("text", ["", "a" * 63, "a" * 65, "sha256:" + "a" * 64, "g" * 64])
def test_what_sha256sum_does_not_print_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="SHA-256"):
        Digest.from_sha256(text)


@pytest.mark.parametrize(
    ("algorithm", "digits"), [("sha256", "A" * 64), ("sha256", "a" * 63), ("sha1", "a" * 40), ("sha256", "a" * 63 + "\n")]
)
def test_a_wrong_digest_cannot_be_made_by_hand(algorithm: str, digits: str) -> None:
    with pytest.raises(InputError):
        Digest(algorithm, digits)


def test_a_digest_has_no_order_with_text() -> None:
    with pytest.raises(TypeError):
        _ = Digest.of(b"") < "sha256:"
