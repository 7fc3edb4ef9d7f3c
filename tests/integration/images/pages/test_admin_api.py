"""Images listed for everybody, added and removed for who shows the token."""

import json
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.imageservice.catalogue import ReadyImage
from penstock.imageservice.changes import image_id
from penstock.model.arch import Arch
from penstock.model.osimage import PayloadOrigin, UrlOrigin, Wanted

if TYPE_CHECKING:
    from tests.conftest import Answer, Ask
    from tests.integration.images.pages.conftest import MakeService, Service

TOKEN = {"Authorization": "Bearer the admin's token"}
LISTED = "os-image:4.18:x86_64:full-iso:418.94.202501221327-0"
ENTRY = {"openshift_version": "4.19", "cpu_architecture": "arm64", "url": "https://mirror.example/a.iso?key=secret", "version": "9.6-1"}
RELEASE = {
    "openshift_version": "4.20",
    "cpu_architecture": "multi",
    "cpu_architectures": ["x86_64", "s390x"],
    "url": "quay.example/r:4.20.1",
    "version": "4.20.1",
}

Listening = Callable[..., "AbstractContextManager[Service]"]
Change = Callable[..., "Answer"]


@pytest.fixture
def change(ask: "Ask") -> Change:
    def sent(url: str, method: str, document: object, headers: dict[str, str] = TOKEN) -> "Answer":
        return ask(url, method, json.dumps(document).encode(), headers)

    return sent


def listing(ask: "Ask", service: "Service") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask(f"{service.url}/v1/images").body)["images"]
    return found


def test_everybody_may_read_how_far_images_are_and_nothing_secret(
    make_service: "MakeService", ready: ReadyImage, listen: Listening, ask: "Ask"
) -> None:
    with listen(make_service(ready)) as service:
        (image,) = listing(ask, service)
    assert image["id"] == LISTED
    assert image["stage"] == "ready"
    assert image["url"] == "https://mirror.example/rhcos.iso"
    assert image["ready"][0]["sha256"] == ready.stored.digest.hex
    assert "secret" not in json.dumps(image)
    assert "word" not in json.dumps(image)


def test_an_added_image_counts_at_once(make_service: "MakeService", listen: Listening, change: Change) -> None:
    with listen(make_service()) as service:
        answer = change(f"{service.url}/v1/images", "POST", {"os_image": ENTRY})
        assert answer.status == 201
        assert json.loads(answer.body) == {"ids": ["os-image:4.19:arm64:full-iso:9.6-1"]}
        assert [wanted.openshift_version for wanted in service.wanted[-1]] == ["4.18", "4.19"]
        assert change(f"{service.url}/v1/images", "PUT", {"os_image": ENTRY}).status == 200


def test_a_release_is_an_image_for_each_architecture(make_service: "MakeService", listen: Listening, change: Change) -> None:
    with listen(make_service()) as service:
        answer = change(f"{service.url}/v1/images", "POST", {"release_image": RELEASE})
        assert json.loads(answer.body) == {"ids": ["release-image:4.20:x86_64:full-iso:4.20.1", "release-image:4.20:s390x:full-iso:4.20.1"]}
        payloads = [wanted for wanted in service.wanted[-1] if isinstance(wanted.origin, PayloadOrigin)]
        assert [wanted.arch for wanted in payloads] == [Arch.X86_64, Arch.S390X]


def test_a_release_that_is_added_wins_over_the_listed_image_and_has_it_as_fallback(
    make_service: "MakeService", listen: Listening, change: Change
) -> None:
    with listen(make_service()) as service:
        change(f"{service.url}/v1/images", "POST", {"release_image": {**RELEASE, "openshift_version": "4.18", "version": "4.18.2"}})
        first = service.wanted[-1][0]
        assert isinstance(first.origin, PayloadOrigin)
        assert first.fallback is not None
        assert image_id(first.fallback) == LISTED


def test_changes_are_kept_for_the_next_start_in_a_file_for_the_owner_alone(
    make_service: "MakeService", listen: Listening, change: Change, tmp_path: Path
) -> None:
    with listen(make_service()) as service:
        change(f"{service.url}/v1/images", "POST", {"os_image": ENTRY})
        assert change(f"{service.url}/v1/images/{LISTED}", "DELETE", None).status == 204
        before = service.wanted[-1]
    with listen(make_service()) as service:
        assert service.wanted == [before]
    state = tmp_path / "data" / "wanted-images.json"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_a_removed_image_comes_back_when_the_list_says_something_else_of_it(
    make_service: "MakeService", listen: Listening, change: Change
) -> None:
    def wanted(url: str) -> Wanted:
        return Wanted("4.18", Arch.X86_64, UrlOrigin(url), version="418.94.202501221327-0")

    with listen(make_service(), listed=(wanted("https://one.example/"),)) as service:
        change(f"{service.url}/v1/images/{LISTED}", "DELETE", None)
        assert service.wanted[-1] == ()
    with listen(make_service(), listed=(wanted("https://two.example/"),)) as service:
        assert service.wanted == [(wanted("https://two.example/"),)]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dGhl"}, {"Authorization": "Bearer "}, {"Authorization": "x"}],
)
def test_without_the_token_nothing_changes(make_service: "MakeService", listen: Listening, change: Change, headers: dict[str, str]) -> None:
    with listen(make_service()) as service:
        answer = change(f"{service.url}/v1/images", "POST", {"os_image": ENTRY}, headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert change(f"{service.url}/v1/images/{LISTED}", "DELETE", None, headers).status == 401
        assert len(service.wanted) == 1


def test_where_there_is_no_token_nobody_may_change_anything(make_service: "MakeService", listen: Listening, change: Change) -> None:
    with listen(make_service(), token=None) as service:
        assert change(f"{service.url}/v1/images", "POST", {"os_image": ENTRY}).status == 403


def test_an_empty_token_file_lets_nobody_in(make_service: "MakeService", listen: Listening, change: Change) -> None:
    with listen(make_service(), token="") as service:
        assert change(f"{service.url}/v1/images", "POST", {"os_image": ENTRY}, {"Authorization": "Bearer "}).status == 503


def test_a_new_token_counts_without_a_restart(make_service: "MakeService", listen: Listening, change: Change, tmp_path: Path) -> None:
    with listen(make_service()) as service:
        (tmp_path / "admin-token").write_text("another")
        assert change(f"{service.url}/v1/images", "POST", {"os_image": ENTRY}).status == 401
        assert change(f"{service.url}/v1/images", "POST", {"os_image": ENTRY}, {"Authorization": "bearer another"}).status == 201


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "names no image"),
        ({}, "names no image"),
        ({"os_image": ENTRY, "release_image": RELEASE}, "names no image"),
        ({"os_image": []}, "object is wanted"),
        ({"os_image": {**ENTRY, "cpu_architecture": "vax"}}, "vax"),
        ({"os_image": {**ENTRY, "version": ""}}, "version"),
        ({"os_image": {**ENTRY, "type": "minimal-iso"}}, "minimal-iso"),
        ({"release_image": {**RELEASE, "version": 4}}, "version"),
        ({"os_image": {**ENTRY, "url": "ftp://secret.example/a.iso"}}, "os_image, url: the address is none of HTTP"),
        ({"os_image": {**ENTRY, "url": "secret.example/a.iso"}}, "os_image, url: the address is none of HTTP"),
        ({"os_image": {**ENTRY, "url": "https://"}}, "os_image, url: the address is none of HTTP"),
        ({"os_image": {**ENTRY, "url": "https://[secret/"}}, "os_image, url: the address is none of HTTP"),
        ({"os_image": {**ENTRY, "signature": "file:///secret"}}, "os_image, signature: the address is none of HTTP"),
    ],
)
def test_bad_input_is_one_clear_error_and_changes_nothing(
    make_service: "MakeService", listen: Listening, change: Change, document: object, told: str
) -> None:
    with listen(make_service()) as service:
        answer = change(f"{service.url}/v1/images", "POST", document)
        assert answer.status == 400
        assert told in json.loads(answer.body)["error"]
        assert b"secret" not in answer.body
        assert len(service.wanted) == 1


def test_text_that_is_no_json_is_not_shown_back(make_service: "MakeService", listen: Listening, ask: "Ask") -> None:
    with listen(make_service()) as service:
        answer = ask(f"{service.url}/v1/images", "POST", b'{"os_image": secret}', TOKEN)
        assert answer.status == 400
        assert b"secret" not in answer.body
        assert ask(f"{service.url}/v1/images", "POST", b" " * (1 << 17), TOKEN).status == 413


def test_an_unknown_id_is_not_found(make_service: "MakeService", listen: Listening, change: Change) -> None:
    with listen(make_service()) as service:
        assert change(f"{service.url}/v1/images/os-image:4.17:x86_64:full-iso:1", "DELETE", None).status == 404


def test_a_change_that_cannot_be_kept_is_not_made(make_service: "MakeService", listen: Listening, change: Change, tmp_path: Path) -> None:
    with listen(make_service()) as service:
        (tmp_path / "data").write_text("a file where the folder should be")
        assert change(f"{service.url}/v1/images", "POST", {"os_image": ENTRY}).status == 503
        assert len(service.wanted) == 1
