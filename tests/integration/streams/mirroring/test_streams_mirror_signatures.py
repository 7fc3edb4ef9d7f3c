"""Signatures of mirrored files, made by gpg and checked by gpgv."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Run
    from tests.integration.streams.mirroring.conftest import KeyMaker, Keys, Shelf


ISO = bytes(range(256)) * 12_000  # as the server has it


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def publisher(make_keys: "KeyMaker") -> "Keys":
    return make_keys("publisher")


@pytest.fixture
def signed(place: Path, shelf: "Shelf", publisher: "Keys") -> Path:
    """The current folder, with a stream whose ISO is signed, and ``keys.gpg``."""
    shelf.files["/x/os.iso.sig"] = publisher.sign(ISO)
    (place / "stream.json").write_bytes(shelf.stream(signed=True))
    (place / "keys.gpg").write_bytes(publisher.public)
    return place


MIRROR_ISO = ("streams", "mirror", "stream.json", "dest", "--format", "iso")


@pytest.mark.parametrize("armoured", [False, True])
def test_a_good_signature_is_checked_and_mirrored(run: "Run", signed: Path, publisher: "Keys", armoured: bool) -> None:
    (signed / "keys.gpg").write_bytes(publisher.armoured if armoured else publisher.public)
    done = run(*MIRROR_ISO, "--keyring", "keys.gpg", "-o", "json")
    assert (done.code, done.json["files"][0]["signed_by"]) == (0, publisher.fingerprint)
    assert names(signed / "dest") == ["os.iso", "os.iso.sig"]
    again = run(*MIRROR_ISO, "--keyring", "keys.gpg", "-o", "json")
    assert (again.json["files"][0]["outcome"], again.json["files"][0]["signed_by"]) == ("there", publisher.fingerprint)


@pytest.fixture(params=["other bytes", "other key", "nonsense", "empty"])
def bad_signature(request: pytest.FixtureRequest, publisher: "Keys", make_keys: "KeyMaker") -> bytes:
    match request.param:
        case "other bytes":
            return publisher.sign(b"x")
        case "other key":
            return make_keys("other").sign(ISO)
        case "nonsense":
            return b"nonsense"
    return b""


def test_a_bad_signature_is_exit_code_3_and_nothing_has_the_name(run: "Run", signed: Path, shelf: "Shelf", bad_signature: bytes) -> None:
    shelf.files["/x/os.iso.sig"] = bad_signature
    done = run(*MIRROR_ISO, "--keyring", "keys.gpg")
    assert (done.code, done.err.startswith("penstock: os.iso: ")) == (3, True)
    assert not {"os.iso", "os.iso.sig"} & set(names(signed / "dest"))


def test_a_signature_that_an_unchecked_run_brought_is_checked_later(run: "Run", signed: Path, shelf: "Shelf", publisher: "Keys") -> None:
    shelf.files["/x/os.iso.sig"] = publisher.sign(b"x")
    done = run(*MIRROR_ISO)
    assert (done.code, "mirrored and not checked" in done.err) == (0, True)
    assert run(*MIRROR_ISO, "--keyring", "keys.gpg").code == 3
    shelf.files["/x/os.iso.sig"] = good = publisher.sign(ISO)
    assert run(*MIRROR_ISO, "--keyring", "keys.gpg").code == 0
    assert (signed / "dest/os.iso.sig").read_bytes() == good


def test_signatures_can_be_left_out_of_folder_and_stream(run: "Run", signed: Path) -> None:
    done = run(*MIRROR_ISO, "--no-signatures", "--url", "https://mirror.example", "--dest-file", "new.json")
    assert (done.code, names(signed / "dest"), b"signature" in (signed / "new.json").read_bytes()) == (0, ["os.iso"], False)


def test_a_signature_that_the_server_does_not_have_is_told_with_the_way_around(run: "Run", signed: Path, shelf: "Shelf") -> None:
    del shelf.files["/x/os.iso.sig"]
    done = run(*MIRROR_ISO)
    assert (done.code, "os.iso.sig: 127.0.0.1" in done.err, "--no-signatures mirrors the files without" in done.err) == (1, True, True)
    assert not (signed / "dest").exists()
    assert run(*MIRROR_ISO, "--no-signatures").code == 0


def test_the_signature_has_the_new_address_too(run: "Run", signed: Path) -> None:
    run(*MIRROR_ISO, "--url", "https://mirror.example", "--dest-file", "new.json")
    assert b'"signature": "https://mirror.example/os.iso.sig"' in (signed / "new.json").read_bytes()


def test_without_gnupg_there_is_one_clear_error_before_anything_comes(run: "Run", signed: Path, shelf: "Shelf") -> None:
    done = run(*MIRROR_ISO, "--keyring", "keys.gpg", env={"PATH": str(signed)})
    assert (done.code, "neither gpgv nor gpg is installed" in done.err) == (1, True)
    assert shelf.asked == []


def test_gpg_will_do_where_gpgv_is_missing(run: "Run", signed: Path, publisher: "Keys", require_program: Callable[[str], str]) -> None:
    (signed / "bin").mkdir()
    (signed / "bin/gpg").symlink_to(require_program("gpg"))
    done = run(*MIRROR_ISO, "--keyring", "keys.gpg", "-o", "json", env={"PATH": str(signed / "bin")})
    assert (done.code, done.json["files"][0]["signed_by"]) == (0, publisher.fingerprint)


def test_a_key_that_has_expired_signs_nothing_any_more(run: "Run", signed: Path, shelf: "Shelf", make_keys: "KeyMaker") -> None:
    """gpgv itself says "good" of it, and ends with 0."""
    old = make_keys("old", expired=True)
    (signed / "keys.gpg").write_bytes(old.public)
    shelf.files["/x/os.iso.sig"] = old.sign(ISO)
    done = run(*MIRROR_ISO, "--keyring", "keys.gpg")
    assert (done.code, "the key that made the signature has expired" in done.err) == (3, True)


def test_the_user_s_own_keys_vouch_for_nothing(run: "Run", signed: Path, publisher: "Keys", make_keys: "KeyMaker") -> None:
    (signed / "keys.gpg").write_bytes(make_keys("stranger").public)
    done = run(*MIRROR_ISO, "--keyring", "keys.gpg", env={"GNUPGHOME": str(publisher.home)})
    assert (done.code, "is not in keys.gpg" in done.err) == (3, True)


def test_a_keyring_without_keys_is_wrong_input(run: "Run", signed: Path) -> None:
    (signed / "keys.gpg").write_bytes(b"")
    assert run(*MIRROR_ISO, "--keyring", "keys.gpg").code == 2
    assert run(*MIRROR_ISO, "--keyring", "stream.json", "--no-signatures").code == 2
