"""Settings that are wrong: one clear error, exit code 2, and no word of what is secret."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run
    from tests.integration.images.program.conftest import Kit, Programs

SECRET = "plantedQuery"
URL = f"https://puller:{SECRET}@mirror.example/x.iso?signature={SECRET}"
WHOLE = {"openshift_version": "4.18", "cpu_architecture": "x86_64", "version": "418.94.1-0", "url": URL}


def without(key: str) -> str:
    return json.dumps([{name: value for name, value in WHOLE.items() if name != key}])


def with_(**values: object) -> str:
    return json.dumps([WHOLE | values])


Refuse = Callable[..., str]


@pytest.fixture
def refuse(run: "Run", programs: "Programs", kit: "Kit", monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """``refuse(*words, command="serve", env=…)``: what the program says, which is two lines."""
    (programs.folder / "junk").write_bytes(b"\xff\xfejunk")
    monkeypatch.chdir(programs.folder)

    def go(*words: object, command: str = "serve", env: dict[str, str] | None = None, code: int = 2) -> str:
        fixed = ["images", command, "--small-images"]
        if command == "serve":
            fixed += ["--listen", "127.0.0.1"]
        named = {name: value.replace("FOLDER", str(programs.folder)) for name, value in (env or {}).items()}
        outcome: Outcome = run(*fixed, *map(str, words), env=named)
        assert (outcome.code, outcome.out) == (code, "")
        assert [secret for secret in kit.planted.values() if secret in outcome.err] == []
        problem, hint = outcome.err.rstrip("\n").split("\n")
        assert problem.startswith("penstock: ")
        assert hint.startswith("hint: ")
        return problem

    return go


@pytest.fixture
def good(programs: "Programs") -> tuple[str, ...]:
    """Words with which the service would start."""
    return (*programs.iso("4.17", "417.94.1-0"), "--config-dir", str(programs.hosts), "--port", "0", "--data-dir", str(programs.data))


LISTS = [
    ({"OS_IMAGES": "{"}, "OS_IMAGES: this is no JSON document: see line 1, column 2"),
    ({"OS_IMAGES": f'[{{"url": {SECRET}}}]'}, "OS_IMAGES: this is no JSON document: see line 1, column 10"),
    ({"OS_IMAGES": SECRET}, "OS_IMAGES: this is no JSON document"),
    ({"OS_IMAGES": json.dumps({"url": URL})}, "OS_IMAGES: a list is wanted"),
    ({"OS_IMAGES": json.dumps([URL])}, "OS_IMAGES: entry 1: an object is wanted"),
    ({"OS_IMAGES": "[]"}, "OS_IMAGES: the list is empty"),
    *(({"OS_IMAGES": without(key)}, f"OS_IMAGES: entry 1, {key}: the key is missing or empty") for key in WHOLE),
    ({"OS_IMAGES": with_(url=[URL])}, "OS_IMAGES: entry 1, url: a text is wanted"),
    ({"OS_IMAGES": with_(openshift_version=4.18)}, "OS_IMAGES: entry 1, openshift_version: a text is wanted"),
    ({"OS_IMAGES": with_(version="../../etc")}, "OS_IMAGES: entry 1, version: '../../etc' is no version"),
    ({"OS_IMAGES": with_(cpu_architecture="sparc")}, "OS_IMAGES: entry 1, cpu_architecture: unknown architecture 'sparc'"),
    ({"OS_IMAGES": with_(type="minimal-iso")}, "OS_IMAGES: entry 1, type: 'minimal-iso' is no type of ISO"),
    ({"OS_IMAGES": with_(sha256="12")}, "OS_IMAGES: entry 1, sha256: this is no SHA-256"),
    ({"RHCOS_VERSIONS": "["}, "OS_IMAGES: this is no JSON document"),
    ({"OS_IMAGES_FILE": "FOLDER/nowhere"}, "'--os-images-file' (env var: 'OS_IMAGES_FILE'): File "),
    ({"OS_IMAGES_FILE": "FOLDER/junk"}, "junk: the list is no UTF-8 text"),
    ({"RELEASE_IMAGES": "{}"}, "RELEASE_IMAGES: a list is wanted"),
    ({"RELEASE_IMAGES": '[{"openshift_version": "4.18"}]'}, "RELEASE_IMAGES: entry 1"),
    ({"RELEASE_IMAGES_FILE": "FOLDER"}, "'--release-images-file' (env var: 'RELEASE_IMAGES_FILE'): File "),
]
DOWNLOADS = [
    ({"OS_IMAGES_REQUEST_HEADERS": f'{{"X-Key": {SECRET}}}'}, "OS_IMAGES_REQUEST_HEADERS: this is no JSON object of texts"),
    ({"OS_IMAGES_REQUEST_HEADERS": f'{{"X Key": "{SECRET}"}}'}, "OS_IMAGES_REQUEST_HEADERS: 'X Key' cannot be sent"),
    ({"OS_IMAGES_REQUEST_QUERY_PARAMS": f'["{SECRET}"]'}, "OS_IMAGES_REQUEST_QUERY_PARAMS: this is no JSON object of texts"),
    ({"OS_IMAGE_DOWNLOAD_TRUSTED_CA_FILE": "FOLDER/nowhere"}, "(env var: 'OS_IMAGE_DOWNLOAD_TRUSTED_CA_FILE'): File "),
    ({"OS_IMAGE_DOWNLOAD_TRUSTED_CA_FILE": "FOLDER/junk"}, "/junk: "),
    ({"INSECURE_SKIP_VERIFY": "perhaps"}, "(env var: 'INSECURE_SKIP_VERIFY')"),
    ({"PULL_SECRET": SECRET}, "PULL_SECRET: this is no pull secret"),
    ({"PULL_SECRET": f'{{"auths": {{"quay.io": {{"auth": "{SECRET}"}}}}}}'}, "PULL_SECRET: this is no pull secret"),
    ({"PULL_SECRET_FILE": "FOLDER/nowhere"}, "(env var: 'PULL_SECRET_FILE'): File "),
    ({"PULL_SECRET_FILE": "FOLDER/junk"}, "/junk: this is no pull secret"),
    ({"PULL_SECRET": "{}", "PULL_SECRET_FILE": "FOLDER/junk"}, "--pull-secret and --pull-secret-file exclude each other"),
    ({"PULL_SECRET_FROM_SECRET": "one"}, "one: this names no Secret"),
    ({"OCM_SERVICE_CLIENT_SECRET": SECRET}, "--ocm-client-id and --ocm-client-secret are given together"),
    ({"IMAGE_STORE_S3": "images"}, "images: this is no place in S3"),
    ({"IMAGE_STORE_S3": "s3://b/x", "AWS_ENDPOINT_URL_S3": f"http://u:{SECRET}@h"}, "the endpoint of S3: is no address of a service"),
    ({"IMAGE_CACHE_GIB": "0"}, "(env var: 'IMAGE_CACHE_GIB')"),
]
NO_URL = "--base-url: this is no URL by which hosts could reach the service"
SERVICE = [
    ({"ASSISTED_SERVICE_SCHEME": "ftp"}, "(env var: 'ASSISTED_SERVICE_SCHEME')"),
    ({"ASSISTED_SERVICE_HOST": "h:8090"}, "assisted-service and --config-dir exclude each other"),
    ({"HTTPS_CA_FILE": "FOLDER/nowhere"}, "'HTTPS_CA_FILE'): File "),
    ({"IMAGE_SERVICE_BASE_URL": f"http://u:{SECRET}@images.example.com"}, NO_URL),
    ({"IMAGE_SERVICE_BASE_URL": "images.example.com"}, NO_URL),
    ({"IMAGE_SERVICE_BASE_URL": "http://images.example.com/$x"}, NO_URL),
    ({"HTTP_LISTEN_PORT": "99999"}, "(env var: 'HTTP_LISTEN_PORT')"),
    ({"HTTPS_KEY_FILE": "FOLDER/junk"}, "--https-key-file and --https-cert-file are given together"),
    ({"HTTPS_KEY_FILE": "FOLDER/junk", "HTTPS_CERT_FILE": "FOLDER/junk"}, "/junk: the certificate or its key is wrong"),
    ({"MAX_CONCURRENT_REQUESTS": "0"}, "(env var: 'MAX_CONCURRENT_REQUESTS')"),
    ({"ADMIN_TOKEN_FILE": "FOLDER/nowhere"}, "(env var: 'ADMIN_TOKEN_FILE'): File "),
    ({"LOGLEVEL": "loud"}, "(env var: 'LOGLEVEL')"),
]


@pytest.mark.parametrize(("env", "says"), [*LISTS, *DOWNLOADS, *SERVICE])
def test_a_wrong_variable_stops_the_start_with_one_error(refuse: Refuse, good: tuple[str, ...], env: dict[str, str], says: str) -> None:
    assert says in refuse(*good, env=env)


@pytest.mark.parametrize(("env", "says"), [*LISTS, *DOWNLOADS])
def test_it_is_the_same_for_warm(refuse: Refuse, programs: "Programs", env: dict[str, str], says: str) -> None:
    words = (*programs.iso("4.17", "417.94.1-0"), "--data-dir", programs.data)
    assert says in refuse(*words, command="warm", env=env)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--iso", "rhcos.iso"), "rhcos.iso: this names no image"),
        (("--iso", "4.18:sparc=rhcos.iso"), "unknown architecture 'sparc'"),
        (("--iso", "4.18:x86_64=nowhere.iso"), "nowhere.iso: there is no such file"),
        (("--validity", "-1"), "'--validity'"),
        (("--drain-limit", "soon"), "'--drain-limit'"),
        (("--assisted-service-timeout", "0"), "'--assisted-service-timeout'"),
        (("--listen", "no address"), "no address: this is no address to listen on"),
        (("--configs-by-ledger", "--default-config"), "--default-config and --configs-by-ledger exclude each other"),
        (("--keyring", "junk"), "junk"),
        (("--idms-file", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_option_stops_the_start_with_one_error(refuse: Refuse, good: tuple[str, ...], words: tuple[str, ...], says: str) -> None:
    assert says in refuse(*good, *words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nobody says what a host gets"),
        (("--config-dir", "nowhere"), "'--config-dir'"),
        (("--assisted-service-host", f"http://{SECRET}@h"), "ASSISTED_SERVICE_HOST: is not the host of a service"),
        (("--assisted-service-host", "h", "--default-config"), "--default-config is about configs in a folder"),
    ],
)
def test_somebody_must_say_what_hosts_get(refuse: Refuse, programs: "Programs", words: tuple[str, ...], says: str) -> None:
    assert says in refuse(*programs.iso("4.17", "417.94.1-0"), "--data-dir", programs.data, "--port", 0, *words)


@pytest.mark.parametrize("command", ["serve", "warm"])
def test_something_must_be_served(refuse: Refuse, programs: "Programs", command: str) -> None:
    words = ("--config-dir", programs.hosts) if command == "serve" else ()
    assert "there is nothing to serve" in refuse(*words, "--data-dir", programs.data, command=command)


def test_a_state_file_that_is_damaged_is_told_with_what_to_do(refuse: Refuse, good: tuple[str, ...], programs: "Programs") -> None:
    state: Path = programs.data / ".penstock-images/changes.json"
    state.parent.mkdir(parents=True)
    state.write_text(f'{{"os_images": {SECRET}')
    assert "changes.json: this is no JSON document" in refuse(*good, "--base-url", "http://images.example.com")
