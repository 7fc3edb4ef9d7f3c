"""The page at ``/``, in a real browser and by plain HTTP."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, sync_playwright

from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.imageservice.editing import embedded_config
from penstock.model.arch import Arch
from penstock.model.osimage import PayloadOrigin, Wanted

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.pages.conftest import MakeService, Service

CONFIG = '{"ignition": {"version": "3.4.0"}, "storage": {"files": []}}'
VERSION = "418.94.202501221327-0"
Listening = Callable[..., "AbstractContextManager[Service]"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def service(make_service: "MakeService", ready: ReadyImage, listen: Listening) -> "Iterator[Service]":
    with listen(make_service(ready)) as running:
        yield running


@pytest.fixture
def browser(require_program: Callable[[str], str], service: "Service") -> Iterator[Page]:
    """A page of the system's Chromium, without JavaScript; what goes wrong on it fails the test.

    Its event loop runs in this thread until the end, so it comes after the service.
    """
    problems: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=require_program("chromium"), args=["--no-sandbox"])
        page = chromium.new_context(java_script_enabled=False, viewport={"width": 1000, "height": 900}).new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("requestfailed", lambda request: problems.append(request.url))
        yield page
        chromium.close()
    assert not [problem for problem in problems if "422" not in problem]


def form(config: str = CONFIG, image: str = f"{VERSION}/x86_64", kind: str = "full-iso") -> bytes:
    return urlencode({"config": config, "image": image, "type": kind}).encode()


def test_a_pasted_config_becomes_a_download_link_without_javascript(browser: Page, service: "Service") -> None:
    browser.goto(service.url)
    browser.get_by_label("Ignition config").fill(CONFIG)
    browser.get_by_label("Image", exact=True).select_option(f"{VERSION}/x86_64")
    browser.get_by_label("minimal", exact=False).check()
    browser.get_by_role("button", name="Make the ISO").click()
    link = browser.get_by_role("link", name=re.compile("Download"))
    found = re.fullmatch(rf"byid/([0-9a-f-]{{36}})/{re.escape(VERSION)}/x86_64/minimal\.iso", link.get_attribute("href") or "")
    assert found is not None
    assert json.loads((service.folder / f"{found[1]}.ign").read_text()) == json.loads(CONFIG)
    assert browser.get_by_role("link", name="where its bytes come from").get_attribute("href")


def test_a_wrong_config_is_told_by_its_field_and_keeps_what_was_typed(browser: Page, service: "Service") -> None:
    browser.goto(service.url)
    field = browser.get_by_label("Ignition config")
    field.fill('{"passwd": {"users": ["<b>core</b>"]}}')
    browser.get_by_role("button", name="Make the ISO").click()
    assert "ignition.version is missing" in browser.locator("#config-error").inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == '{"passwd": {"users": ["<b>core</b>"]}}'
    assert not list(service.folder.iterdir())


def test_the_page_loads_nothing_but_itself_and_its_style(browser: Page, service: "Service") -> None:
    loaded: list[str] = []
    browser.on("request", lambda request: loaded.append(request.url))
    browser.goto(service.url)
    assert {url for url in loaded if not url.endswith("favicon.ico")} == {f"{service.url}/", f"{service.url}/page.css"}
    family = browser.locator("body").evaluate("element => getComputedStyle(element).fontFamily")
    assert "system-ui" in family  # the style sheet was taken


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_ground_have_contrast_in_both_schemes(browser: Page, service: "Service", scheme: str) -> None:
    browser.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    browser.goto(service.url)
    colors = browser.locator("body").evaluate("element => [getComputedStyle(element).color, getComputedStyle(element).backgroundColor]")
    assert _contrast(*colors) >= 7


def _contrast(*colors: str) -> float:
    def luminance(color: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted(map(luminance, colors))
    return (light + 0.05) / (dark + 0.05)


def test_the_images_stand_with_stage_reason_and_progress(
    make_service: "MakeService", ready: ReadyImage, listen: Listening, ask: "Ask"
) -> None:
    def wanted(version: str) -> Wanted:
        return Wanted("4.19", Arch.AARCH64, PayloadOrigin(f"quay.example/release:{version}", version))

    statuses = (
        Status(wanted("4.19.1"), Stage.BRINGING, done_bytes=3 << 20, total_bytes=1 << 30),
        Status(wanted("4.19.2"), Stage.FAILED, "no <such> manifest"),
        Status(wanted("4.19.3"), Stage.READY, ready=(ready,)),
    )
    with listen(make_service(ready, catalogue=Catalogue(statuses))) as service:
        text = ask(service.url).body.decode()
    assert "3.0 MiB of 1.0 GiB" in text
    assert "no &lt;such&gt; manifest" in text
    assert f'href="boot-artifacts/rootfs?arch=x86_64&amp;version={VERSION}"' in text


def test_the_answer_to_a_form_is_a_redirect_so_that_a_reload_makes_no_second_host(service: "Service", ask: "Ask") -> None:
    answer = ask(service.url, "POST", form(), FORM)
    assert answer.status == 303
    assert answer.headers["Location"].startswith("?host=")
    assert len(list(service.folder.iterdir())) == 1


def test_the_iso_that_the_page_names_holds_the_config(service: "Service", ask: "Ask") -> None:
    answer = ask(service.url, "POST", form(), FORM)
    host = re.search("host=([0-9a-f-]{36})", answer.headers["Location"])
    assert host is not None
    content = ask(f"{service.url}/byid/{host[1]}/{VERSION}/x86_64/full.iso").body
    assert embedded_config(IsoImage(BytesIO(content), name="served.iso")) == CONFIG.encode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_page_is_refused(service: "Service", ask: "Ask", headers: dict[str, str]) -> None:
    assert ask(service.url, "POST", form(), {**FORM, **headers}).status == 403
    assert not list(service.folder.iterdir())


def test_a_browser_without_fetch_metadata_is_known_by_its_origin(service: "Service", ask: "Ask") -> None:
    assert ask(service.url, "POST", form(), {**FORM, "Origin": service.url}).status == 303


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (form(config="no JSON"), 422, "config-error"),
        (form(config=""), 422, "config-error"),
        (form(config="[" * 5000), 422, "config-error"),
        (form(image="4.99/x86_64"), 422, "image-error"),
        (form(kind="zip"), 422, "type-error"),
        (form(kind="disconnected-iso"), 422, "type-error"),
        (b"", 422, "image-error"),
        (b"config=%ff", 400, "damaged"),
        (b"&".join(b"a=1" for _ in range(50)), 400, "damaged"),
    ],
)
def test_a_wrong_form_is_shown_again_with_what_is_wrong(service: "Service", ask: "Ask", body: bytes, status: int, told: str) -> None:
    answer = ask(service.url, "POST", body, FORM)
    assert answer.status == status
    assert told in answer.body.decode()
    assert not list(service.folder.iterdir())


def test_a_config_too_large_for_the_iso_is_told_at_once_where_no_pointer_can_stand_for_it(service: "Service", ask: "Ask") -> None:
    large = json.dumps({"ignition": {"version": "3.4.0"}, "x": [uuid.uuid5(uuid.NAMESPACE_DNS, str(n)).hex for n in range(3000)]})
    answer = ask(service.url, "POST", form(config=large), FORM)
    assert answer.status == 422
    assert "too large" in answer.body.decode()


def test_a_body_beyond_the_limit_is_not_read(service: "Service", ask: "Ask") -> None:
    assert ask(service.url, "POST", b"config=" + b"x" * (4 << 20), FORM).status == 413


def test_others_are_answered_while_a_large_form_is_read(service: "Service", ask: "Ask") -> None:
    def seconds(request: Callable[[], object]) -> float:
        began_s = time.monotonic()
        request()
        return time.monotonic() - began_s

    config = json.dumps({"ignition": {"version": "3.4.0"}, "x": [0] * 300_000})
    body = b"&".join((form(config=config), b"more=" + b"%7B" * 500_000))
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(seconds, lambda: ask(service.url, "POST", body, FORM))
        waited_s = [seconds(lambda: ask(f"{service.url}/live"))]
        while not posted.done():
            waited_s.append(seconds(lambda: ask(f"{service.url}/live")))
    assert max(waited_s) < 0.4 * posted.result()


def test_a_form_in_another_media_type_is_refused(service: "Service", ask: "Ask") -> None:
    assert ask(service.url, "POST", form(), {"Content-Type": "text/plain"}).status == 415


def test_there_is_no_form_where_the_backend_has_the_configs(
    make_service: "MakeService", ready: ReadyImage, listen: Listening, ask: "Ask"
) -> None:
    with listen(make_service(ready), stores=False) as service:
        assert b"<form" not in ask(service.url).body
        assert ask(service.url, "POST", form(), FORM).status == 405


def test_an_address_that_names_no_host_shows_the_plain_page(service: "Service", ask: "Ask") -> None:
    for query in ("host=x", f"host={uuid.uuid4()}&version={VERSION}&arch=x86_64&type=full-iso", "host=%22%3E%3Cscript%3E"):
        answer = ask(f"{service.url}/?{query}")
        assert answer.status == 200
        assert b"is ready" not in answer.body
        assert b"<script" not in answer.body


def test_the_page_may_run_nothing_and_stand_in_no_frame(service: "Service", ask: "Ask") -> None:
    policy = ask(service.url).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_a_disk_that_takes_nothing_is_told_without_a_trace(service: "Service", ask: "Ask") -> None:
    service.folder.rmdir()
    answer = ask(service.url, "POST", form(), FORM)
    assert answer.status == 503
    assert "the config was not stored" in answer.body.decode()
