"""The small config that stands for one that does not fit: Ignition takes it, and takes nothing but the large one by it."""

import hashlib
import json
import subprocess
from collections.abc import Callable

import pytest

from penstock.imageservice.pointer import pointer_config
from penstock.model.errors import InputError

URL = "https://images.example.com/images/2f2b3b5e-6a0c-4a4e-9a5b-0f9f1c7f8d10/config.ign?version=4.18&image_token=a.b<c&arch=x86_64"
CA = "data:text/plain;base64,LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
FETCHING = {
    "proxy": {"httpsProxy": "https://proxy.example.com:3128", "noProxy": ["example.com"]},
    "timeouts": {"httpTotal": 90},
    "security": {"tls": {"certificateAuthorities": [{"source": CA}]}},
}


def config(version: str, **more: object) -> bytes:
    return json.dumps({"ignition": {"version": version, **more}, "passwd": {"users": [{"name": "core"}]}}).encode()


def section(content: bytes) -> dict[str, object]:
    document = json.loads(content)
    assert list(document) == ["ignition"]
    return dict(document["ignition"])


@pytest.mark.parametrize("version", ["2.2.0", "3.0.0", "3.2.0", "3.5.0", "3.6.0-experimental"])
def test_it_replaces_itself_by_exactly_the_large_one(version: str) -> None:
    large = config(version)
    expected = {"source": URL, "verification": {"hash": f"sha512-{hashlib.sha512(large).hexdigest()}"}}
    assert section(pointer_config(URL, large)) == {"version": version, "config": {"replace": expected}}


def test_it_keeps_what_ignition_needs_to_fetch_the_large_one() -> None:
    found = section(pointer_config(URL, config("3.2.0", **FETCHING)))
    assert {key: found[key] for key in FETCHING} == FETCHING


def test_it_takes_nothing_else_of_the_large_one() -> None:
    large = config("3.2.0", config={"merge": [{"source": "https://example.com"}]}, security={"other": 1, "tls": {"other": 2}})
    assert set(section(pointer_config(URL, large))) == {"version", "config"}
    assert b"merge" not in pointer_config(URL, large)


@pytest.mark.parametrize("version", ["3.0.0", "3.1.0", "3.2.0", "3.3.0"])
def test_ignition_takes_it(version: str, require_program: Callable[[str], str]) -> None:
    program = require_program("ignition-validate")
    kept = {key: value for key, value in FETCHING.items() if version != "3.0.0" or key != "proxy"}  # proxies came with 3.1
    pointer = pointer_config(URL, config(version, **kept))
    done = subprocess.run([program, "-"], check=False, input=pointer, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize("version", ["1", "4.0.0", "3", "3.x.0"])
def test_a_config_of_another_spec_is_refused(version: str) -> None:
    with pytest.raises(InputError, match="can be replaced"):
        pointer_config(URL, config(version))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"ignition": {}}'])
def test_what_is_no_config_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        pointer_config(URL, content)


@pytest.mark.parametrize("url", ["", "ftp://example.com/x", "/config.ign"])
def test_an_address_that_no_host_fetches_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InputError) as raised:
        pointer_config(url, config("3.2.0"))
    assert not url or url not in str(raised.value)
