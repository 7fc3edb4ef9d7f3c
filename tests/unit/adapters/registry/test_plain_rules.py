"""The pure parts: challenges, who sees credentials, proxies, refusals, pauses, manifests."""

import json
from email.utils import formatdate
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from penstock.adapters.http.failures import pause_s, retry_after_s
from penstock.adapters.http.hops import is_loopback, keeps_credentials, next_hop, place_of, proxy_for
from penstock.adapters.registry import RegistryOptions, Retries
from penstock.adapters.registry.challenges import Challenge, choose_challenge, parse_challenges
from penstock.adapters.registry.failures import answer_error, told_reason
from penstock.adapters.registry.manifests import checked_manifest, media_type_of
from penstock.formats.oci.descriptor import DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, OperationError, TransientError, VerificationError

TOKEN = st.text("aZ09._-", min_size=1, max_size=5)
QUOTABLE = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20)


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ('Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"', [("bearer", "https://a/t")]),
        ('Basic realm="here, there"', [("basic", "here, there")]),
        ('Basic realm="x", Bearer realm="y" , service=z', [("basic", "x"), ("bearer", "y")]),
        ('bearer REALM = "q\\"uoted"', [("bearer", 'q"uoted')]),
        ("Negotiate, Bearer realm=y", [("negotiate", None), ("bearer", "y")]),
        ("", []),
        ('"', []),
    ],
)
def test_challenges_are_read(header: str, challenges: list[tuple[str, str | None]]) -> None:
    assert [(found.scheme, found.parameters.get("realm")) for found in parse_challenges([header])] == challenges


@given(st.lists(st.tuples(TOKEN, st.dictionaries(TOKEN.map(str.lower), QUOTABLE, max_size=3)), max_size=3))
def test_whatever_is_quoted_comes_back(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ", ".join(
        scheme + " " + ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items()) for scheme, parameters in challenges
    )

    assert parse_challenges([header]) == tuple(Challenge(scheme.lower(), parameters) for scheme, parameters in challenges)


@given(st.text())
def test_no_header_breaks_the_reading_of_challenges(header: str) -> None:
    choose_challenge(parse_challenges([header]))


def test_bearer_comes_before_basic() -> None:
    chosen = choose_challenge(parse_challenges(["Basic realm=a", 'Bearer realm=b,scope="x y"']))

    assert chosen is not None
    assert (chosen.scheme, chosen.scopes) == ("bearer", ("x", "y"))


@pytest.mark.parametrize(
    "target",
    [
        "http://registry.example/x",
        "https://registry.example:444/x",
        "https://other.example/x",
        "https://registry.example.evil.example/x",
        "https://sub.registry.example/x",
        "http://registry.example:443/x",
    ],
)
def test_credentials_stay_with_scheme_host_and_port(target: str) -> None:
    origin = URL("https://registry.example/v2/")

    assert not keeps_credentials(origin, URL(target))
    assert keeps_credentials(origin, URL("https://registry.example:443/other"))


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b?sig=%2B+%2F", "https://registry.example:5000/b?sig=%2B+%2F"),
        ("c", "https://registry.example:5000/v2/c"),
        ("//other.example/d", "https://other.example/d"),
        ("https://user:pass@other.example/%7Ee", "https://other.example/%7Ee"),
    ],
)
def test_a_redirect_is_taken_letter_by_letter(location: str, target: str) -> None:
    assert str(next_hop(URL("https://registry.example:5000/v2/a"), location, subject="")) == target


@pytest.mark.parametrize("location", [None, "", "ftp://a/b", "javascript:1", "http://", "http://a:99999/"])
def test_a_redirect_to_nowhere_is_refused(location: str | None) -> None:
    with pytest.raises(OperationError):
        next_hop(URL("https://registry.example/v2/a"), location, subject="")


def test_the_place_of_a_url_shows_no_signature() -> None:
    assert place_of(URL("https://user:pass@[::1]:5000/a?sig=secret")) == "[::1]:5000"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("[::1]", True), ("10.0.0.1", False), ("localhost.example", False)],
)
def test_loopback_is_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://a.example/", {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ("https://a.example/", {"https_proxy": "p:3128"}, "http://p:3128"),
        ("http://a.example/", {"HTTPS_PROXY": "http://p"}, None),
        ("https://a.example/", {"ALL_PROXY": "http://p"}, "http://p"),
        ("https://a.example/", {"https_proxy": "http://p", "NO_PROXY": "b.example,.example"}, None),
        ("https://a.example/", {"https_proxy": "http://p", "NO_PROXY": "*"}, None),
        ("https://xa.example/", {"https_proxy": "http://p", "NO_PROXY": "a.example"}, "http://p"),
        ("https://a.example:8443/", {"https_proxy": "http://p", "NO_PROXY": "a.example:443"}, "http://p"),
        ("https://10.1.2.3/", {"https_proxy": "http://p", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://localhost:5000/", {"http_proxy": "http://p"}, None),
        ("http://a.example/", {"HTTP_PROXY": "http://p", "REQUEST_METHOD": "GET"}, None),
    ],
)
def test_the_environment_names_the_proxy(url: str, environment: dict[str, str], proxy: str | None) -> None:
    found = proxy_for(URL(url), environment)

    assert found == (None if proxy is None else URL(proxy))


@pytest.mark.parametrize(("value", "wanted_s"), [("7", 7.0), (" 0 ", 0.0), ("soon", None), (None, None), ("-1", None), ("٣", None)])
def test_retry_after_in_seconds(value: str | None, wanted_s: float | None) -> None:
    assert retry_after_s(value) == wanted_s


def test_retry_after_as_a_date() -> None:
    import time

    found_s = retry_after_s(formatdate(time.time() + 100, usegmt=True))
    assert found_s is not None
    assert 90 < found_s <= 100


def test_pauses_grow_and_end() -> None:
    retries = Retries()
    pauses = [retries.wait_s(failures) for failures in range(1, 20)]

    assert all(first <= second for first, second in pairwise(pauses))
    assert max(pauses) == retries.longest_wait_s
    assert sum(pauses[: retries.attempts]) < 20


def test_only_what_may_pass_is_waited_for() -> None:
    error = answer_error(429, b"", retry_after="100000", subject="", place="r")

    assert pause_s(error, 1, Retries()) == Retries().longest_retry_after_s
    assert pause_s(TransientError("x"), 1, Retries()) == Retries().first_wait_s
    assert pause_s(OperationError("x"), 1, Retries()) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors":5}', b'{"errors":[5]}', b'{"errors":[{}]}', b"[" * 100_000])
def test_a_refusal_without_words_says_nothing(body: bytes) -> None:
    assert told_reason(body) == ""


def test_a_refusal_in_many_words_is_one_short_line() -> None:
    told = told_reason(json.dumps({"errors": [{"code": "DENIED", "message": "a\x1b[31m\n" * 1000}]}).encode())

    assert told.startswith("DENIED a")
    assert len(told) <= 300
    assert told.isprintable()


def test_options_hide_the_environment() -> None:
    assert "hunter2" not in repr(RegistryOptions(environment={"HTTPS_PROXY": "http://me:hunter2@p"}))


def _document(**fields: object) -> bytes:
    return json.dumps({"schemaVersion": 2, **fields}).encode()


@pytest.mark.parametrize(
    ("content", "header", "media_type"),
    [
        (_document(config={}, layers=[]), OCI_MANIFEST, OCI_MANIFEST),
        (_document(config={}, layers=[], mediaType=DOCKER_MANIFEST), DOCKER_MANIFEST + "; charset=utf-8", DOCKER_MANIFEST),
        (_document(config={}, layers=[], mediaType=DOCKER_MANIFEST), "application/json", DOCKER_MANIFEST),
        (_document(manifests=[], mediaType=OCI_INDEX), "", OCI_INDEX),
        (_document(manifests=[]), "", OCI_INDEX),
        (_document(manifests=[{"mediaType": DOCKER_MANIFEST}]), "text/plain", DOCKER_LIST),
    ],
)
def test_header_and_document_agree_on_a_kind(content: bytes, header: str, media_type: str) -> None:
    assert media_type_of(content, header, "x") == media_type


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (_document(config={}, layers=[], mediaType=OCI_MANIFEST), DOCKER_MANIFEST),
        (_document(config={}, layers=[]), OCI_INDEX),
        (_document(manifests=[]), OCI_MANIFEST),
        (_document(manifests=[], layers=[], config={}), OCI_INDEX),
        (_document(), OCI_INDEX),
        (_document(config={}, layers=[]), OCI_CONFIG),
        (_document(config={}, layers=[], mediaType=5), ""),
        (b'{"schemaVersion": 3, "layers": []}', OCI_MANIFEST),
        (b'{"schemaVersion": 2, "layers": [], "layers": []}', OCI_MANIFEST),
        (b"[]", OCI_MANIFEST),
        (b'{"schemaVersion"', OCI_MANIFEST),
        (b"\xff", OCI_MANIFEST),
        (b"[" * 1_000_000, OCI_MANIFEST),
    ],
)
def test_what_could_be_read_as_two_kinds_or_none_is_refused(content: bytes, header: str) -> None:
    with pytest.raises(VerificationError):
        media_type_of(content, header, "x")


@pytest.mark.parametrize(
    ("content", "header", "told"),
    [
        (b'{"schemaVersion": 1, "fsLayers": []}', "application/json", ""),
        (b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws", f"sha256:{'0' * 64}"),
    ],
)
def test_schema_1_is_refused_by_name(content: bytes, header: str, told: str) -> None:
    with pytest.raises(OperationError, match="schema 1"):
        checked_manifest(content, content_type=header, told=told, wanted=None, subject="x", place="r")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_the_digest_covers_the_exact_bytes(algorithm: str) -> None:
    import hashlib

    content = _document(config={}, layers=[])
    wanted = Digest(algorithm, hashlib.new(algorithm, content).hexdigest())

    assert checked_manifest(content, content_type=OCI_MANIFEST, told="", wanted=wanted, subject="x", place="r").digest == wanted
    with pytest.raises(DigestMismatch):
        checked_manifest(content + b"\n", content_type=OCI_MANIFEST, told="", wanted=wanted, subject="x", place="r")
