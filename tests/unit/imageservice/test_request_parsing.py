"""URLs as requests, and the refusals of those that are none."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.imageservice import parsing
from penstock.imageservice.asks import Artifact, ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.refusals import Refused
from penstock.model.arch import Arch
from penstock.model.hosts import CredentialKind, Credentials
from penstock.model.osimage import ImageType

HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
OTHER = "5d0f39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
NOBODY = Credentials()


def token(claims: object, *, safe: bool = True) -> str:
    encode = base64.urlsafe_b64encode if safe else base64.b64encode
    return f"eyJhbGciOiJub25lIn0.{encode(json.dumps(claims, ensure_ascii=False).encode()).decode().rstrip('=')}.c2lnbmF0dXJl"


def refused(error: pytest.ExceptionInfo[Refused]) -> tuple[int, str, bool]:
    return error.value.status, error.value.body, error.value.nosniff


@pytest.mark.parametrize(
    ("text", "arch"),
    [
        ("x86_64", Arch.X86_64),
        ("arm64", Arch.AARCH64),
        ("aarch64", Arch.AARCH64),
        ("ppc64le", Arch.PPC64LE),
        ("s390x", Arch.S390X),
        ("amd64", None),
        ("X86_64", None),
        ("", None),
    ],
)
def test_an_architecture_is_spelled_as_in_image_lists(text: str, arch: Arch | None) -> None:
    assert parsing.parse_arch(text) is arch


def test_the_first_credentials_that_are_there_are_the_only_ones() -> None:
    query = {"api_key": "query-key", "image_token": "query-token"}

    def kind_and_value(shown: Credentials) -> tuple[str, str]:
        return shown.kind.value, shown.value

    assert kind_and_value(parsing.credentials_of(query, "Bearer x", api_key="key", token="t")) == ("api_key", "key")
    assert kind_and_value(parsing.credentials_of(query, "Bearer x", token="t")) == ("api_key", "query-key")
    assert kind_and_value(parsing.credentials_of({"image_token": "q"}, "Bearer x", token="t")) == ("image_token", "t")
    assert kind_and_value(parsing.credentials_of({"image_token": "q"}, "Bearer x")) == ("image_token", "q")
    assert kind_and_value(parsing.credentials_of({"api_key": ""}, "Bearer x")) == ("authorization", "Bearer x")
    assert parsing.credentials_of({}, "").kind is CredentialKind.NONE


def test_sub_of_a_token_comes_before_infra_env_id() -> None:
    assert parsing.host_of_token(token({"sub": HOST, "infra_env_id": OTHER})) == HOST
    assert parsing.host_of_token(token({"sub": "", "infra_env_id": OTHER})) == OTHER
    assert parsing.host_of_token(token({"sub": None, "infra_env_id": OTHER})) == OTHER


@given(st.text(max_size=60), st.booleans())
@example("\u00ff\u00ff\u00fe>>>???", True)
@example("\u00ff\u00ff\u00fe>>>???", False)
def test_a_token_is_read_in_both_alphabets(name: str, safe: bool) -> None:
    assert parsing.host_of_token(token({"name": name, "sub": HOST}, safe=safe)) == HOST


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("abc", "failed to parse JWT from URL"),
        ("a.b", "failed to parse JWT from URL"),
        ("a..b", "failed to parse JWT from URL"),
        ("a.!!!!.b", "illegal base64 data at input byte 0"),
        ("a.AAAAA.b", "illegal base64 data at input byte 4"),
        ("a.AAAA.b", "the payload of the token is no JSON object"),
        (token([HOST]), "the payload of the token is no JSON object"),
        (token({"name": "x"}), "InfraEnv ID not found in token"),
        (token({"sub": 7}), "the claim sub of the token is no text"),
        (token({"sub": False}), "the claim sub of the token is no text"),
        (token({"sub": "../../clusters"}), "InfraEnv ID not found in token"),
        (token({"sub": "x\r\nSet-Cookie: a"}), "InfraEnv ID not found in token"),
    ],
)
def test_a_token_without_a_host_is_not_found(text: str, body: str) -> None:
    with pytest.raises(Refused) as error:
        parsing.host_of_token(text)
    assert refused(error) == (404, body, False)


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    with suppress(Refused):
        assert parsing.host_of_token(text)


@pytest.mark.parametrize("kind", list(ImageType))
def test_a_short_url_names_the_iso_by_its_file(kind: ImageType) -> None:
    name = kind.value.replace("-", ".")
    assert parsing.short_iso(HOST, "4.18", "arm64", name, NOBODY) == IsoAsk(HOST, "4.18", Arch.AARCH64, kind)


def test_another_file_name_is_not_found() -> None:
    with pytest.raises(Refused) as error:
        parsing.short_iso(HOST, "4.18", "x86_64", "other.iso", NOBODY)
    assert refused(error) == (404, "unrecognized file name other.iso", False)


def test_a_long_url_is_of_x86_64_unless_it_says_so() -> None:
    assert parsing.long_iso(HOST, {"version": "4.18", "type": "full-iso"}, NOBODY) == IsoAsk(HOST, "4.18", Arch.X86_64, ImageType.FULL)
    assert parsing.long_iso(HOST, {"version": "4.18", "type": "full-iso", "arch": "mips"}, NOBODY).arch is None


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({}, "'version' parameter required"),
        ({"version": "", "type": "zip"}, "'version' parameter required"),
        ({"version": "4.18"}, "'type' parameter required"),
        ({"version": "4.18", "type": "zip"}, "invalid value 'zip' for parameter 'type'"),
    ],
)
def test_a_long_url_must_say_version_and_type(query: dict[str, str], body: str) -> None:
    with pytest.raises(Refused) as error:
        parsing.long_iso(HOST, query, NOBODY)
    assert refused(error) == (400, body, False)


def test_an_initramfs_must_say_its_version() -> None:
    with pytest.raises(Refused) as error:
        parsing.initrd(HOST, {"arch": "x86_64"}, NOBODY)
    assert refused(error) == (400, "'version' parameter required for initrd download\n", True)


def test_the_size_of_an_initramfs_is_of_s390x_whatever_the_query_says() -> None:
    ask = parsing.initrd(HOST, {"version": "4.18", "arch": "x86_64"}, NOBODY, arch=Arch.S390X)
    assert ask == InitrdAsk(HOST, "4.18", Arch.S390X, "s390x")


def test_a_boot_artifact_is_asked_for_by_version() -> None:
    ask = parsing.boot_artifact("rootfs", {"version": "4.18"}, is_known=lambda _, __: True)
    assert ask == ArtifactAsk(Artifact.ROOTFS, "4.18", Arch.X86_64, "x86_64")


@pytest.mark.parametrize(
    ("name", "query", "known", "status", "body"),
    [
        ("nothing", {}, False, 400, "Failed to parse query parameters: 'version' parameter required\n"),
        ("nothing", {"version": "4.18"}, False, 400, "Failed to parse query parameters: version for 4.18 x86_64, not found\n"),
        ("rootfs", {"version": "4", "arch": "mips"}, False, 400, "Failed to parse query parameters: version for 4 mips, not found\n"),
        ("a/b", {"version": "4.18"}, True, 404, "Failed to parse artifact: malformed download path: /boot-artifacts/a/b\n"),
        (
            "ins-file",
            {"version": "4.18"},
            True,
            404,
            "Failed to parse artifact: ins-file is only available for the s390x architecture. Current arch: x86_64\n",
        ),
    ],
)
def test_what_is_wrong_with_a_boot_artifact_is_told_in_this_order(
    name: str, query: dict[str, str], known: bool, status: int, body: str
) -> None:
    with pytest.raises(Refused) as error:
        parsing.boot_artifact(name, query, is_known=lambda _, __: known)
    assert refused(error) == (status, body, True)
