"""ISOs by their address into a folder: over HTTP on loopback, with everything that goes wrong on the way."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from penstock.adapters.http.authorities import system_and
from penstock.adapters.imageorigins import Inspection, StandingImages
from penstock.adapters.imagestore.local import LocalImageStore
from penstock.imageservice.prepare import Floors
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import (
    DigestMismatch,
    InputError,
    NotFoundError,
    OperationError,
    PenstockError,
    TransientError,
    VerificationError,
)
from penstock.model.osimage import FileOrigin, StoredImage, Wanted

if TYPE_CHECKING:
    from tests.integration.images.conftest import IsoMaker, LiveIso
    from tests.integration.images.downloads.conftest import Attempt, Serve, Site

BUILD = "418.94.202501221327-0"
NAME = f"rhcos-full-iso-{BUILD}-x86_64.iso"
SECRET = "s3cr3t"
INSPECTION = Inspection(Floors(rootfs_bytes=1 << 20, kernel_bytes=1 << 10))


def test_an_image_comes_with_what_is_known_of_it(attempt: "Attempt", site: "Site") -> None:
    image = attempt.image()
    assert (attempt.folder / NAME).read_bytes() == site.content
    assert (image.digest, image.size_bytes) == (Digest.of(site.content), len(site.content))
    assert image.record.url == f"{site.base}/images/os.iso"
    assert image.record.checked == ()
    assert attempt.told[-1].finished
    assert [path for path, _ in site.asked] == [f"/images/os.iso?token={SECRET}"]


def test_no_secret_of_the_address_is_written_down(attempt: "Attempt") -> None:
    attempt.headers, attempt.query = {"X-Token": SECRET}, {"key": SECRET}
    attempt.image()
    written = [path for path in attempt.folder.rglob("*") if path.is_file() and path.name != NAME]
    assert written
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]


def test_a_digest_and_a_signature_that_are_known_are_checked(attempt: "Attempt", site: "Site", serve: "Serve") -> None:
    digest = Digest.of(site.content)
    signatures = serve(digest.hex.encode())
    attempt.headers = {"X-Token": SECRET}
    image = attempt.knowing(digest, f"{signatures.base}/os.iso.sig").image()
    assert image.record.checked == ("the SHA-256 of the list", "a signature by ABCD")
    assert [headers.get("x-token") for _, headers in signatures.asked] == [None]


def test_a_signature_that_the_list_names_later_is_checked_of_what_is_stored(attempt: "Attempt", site: "Site", serve: "Serve") -> None:
    assert attempt.image().record.checked == ()
    named = attempt.knowing(signature=f"{serve(Digest.of(site.content).hex.encode()).base}/os.iso.sig")
    assert [named.image().record.checked for _ in range(2)] == [("a signature by ABCD",)] * 2
    assert len(site.asked) == 1


def test_what_is_stored_is_refused_where_a_signature_that_is_named_later_is_wrong(attempt: "Attempt", site: "Site", serve: "Serve") -> None:
    attempt.image()
    error = attempt.knowing(signature=f"{serve(b'another').base}/os.iso.sig").error(VerificationError)
    assert "the signature is not of these bytes" in str(error)
    assert len(site.asked) == 2  # the server might have had a better one


def test_a_wrong_signature_keeps_the_image_out(attempt: "Attempt", serve: "Serve") -> None:
    signatures = serve(b"another")
    attempt.knowing(signature=f"{signatures.base}/os.iso.sig").error(VerificationError)
    assert attempt.shown == []


def test_wrong_bytes_are_refused_and_not_kept(attempt: "Attempt", site: "Site") -> None:
    error = attempt.knowing(Digest.of(b"another")).error(DigestMismatch)
    assert error.subject == f"os.iso of {site.base.removeprefix('http://')}"
    assert attempt.left() == b""


def test_a_cut_is_continued_in_the_same_run(attempt: "Attempt", site: "Site") -> None:
    site.faults = [site.fault(cut_at=1_000_000), site.fault(status=503), site.fault(cut_at=2_000_000)]
    attempt.image()
    assert site.ranges == [None, "bytes=1000000-", "bytes=1000000-", "bytes=2000000-"]
    assert (attempt.folder / NAME).read_bytes() == site.content


def test_a_silent_server_is_given_up_and_the_rest_comes_with_the_next_run(attempt: "Attempt", site: "Site") -> None:
    site.faults = [site.fault(cut_at=1_500_000, silent=True), *[site.fault(status=500)] * 2]
    attempt.error(TransientError)
    assert attempt.left() == site.content[:1_500_000]
    site.asked.clear()
    attempt.image()
    assert site.ranges == ["bytes=1500000-"]


def test_a_file_that_changed_between_two_parts_is_taken_anew(attempt: "Attempt", site: "Site", make: "IsoMaker") -> None:
    newer = make.with_miniso().path.read_bytes()
    site.faults = [site.fault(cut_at=1_000_000), site.fault(body=newer)]
    image = attempt.image()
    assert (image.digest, (attempt.folder / NAME).read_bytes()) == (Digest.of(newer), newer)


def test_without_a_word_of_the_server_a_cut_file_is_taken_anew(attempt: "Attempt", site: "Site") -> None:
    site.tags = False
    site.faults = [site.fault(cut_at=1_000_000)]
    attempt.image()
    assert site.ranges == [None, "bytes=1000000-", None]


def test_without_a_word_of_the_server_a_file_that_never_comes_whole_is_not_believed(attempt: "Attempt", site: "Site") -> None:
    site.tags = False
    site.faults = [site.fault(cut_at=1_000_000), site.fault(), site.fault(cut_at=1_000_000), site.fault()]
    attempt.error(TransientError)
    assert attempt.shown == []


def test_without_a_word_of_the_server_a_known_digest_is_enough(attempt: "Attempt", site: "Site") -> None:
    site.tags = False
    site.faults = [site.fault(cut_at=1_000_000)]
    attempt.knowing(Digest.of(site.content)).image()
    assert site.ranges == [None, "bytes=1000000-"]


def test_parts_of_two_files_are_noticed_by_the_digest_and_taken_anew(attempt: "Attempt", site: "Site") -> None:
    site.tags = False
    site.faults = [site.fault(body=bytes(len(site.content)), cut_at=1_000_000)]
    attempt.knowing(Digest.of(site.content)).image()
    assert site.ranges == [None, "bytes=1000000-", None]


def test_less_than_the_content_length_is_no_image(attempt: "Attempt", site: "Site") -> None:
    site.faults = [site.fault(claim=len(site.content) + 1, cut_at=len(site.content))] + [site.fault(status=503)] * 3
    attempt.error(TransientError)
    assert attempt.shown == []


@pytest.mark.parametrize(
    "content",
    [b"<html>Please log in</html>" * 5000, b"", bytes(3 << 20)],
)
def test_what_is_no_iso_is_refused_and_removed(attempt: "Attempt", site: "Site", content: bytes) -> None:
    site.content = content
    attempt.error(VerificationError)
    assert attempt.shown == []
    assert attempt.left() == b""


def test_an_iso_that_a_proxy_cut_is_refused(attempt: "Attempt", site: "Site") -> None:
    site.content = site.content[: len(site.content) // 2]
    assert "cut" in attempt.error(VerificationError).message


def test_an_iso_without_a_whole_root_file_system_is_refused(attempt: "Attempt", site: "Site", make: "IsoMaker") -> None:
    site.content = make.x86_64("rootless", without=("images/pxeboot/rootfs.img",)).path.read_bytes()
    assert "root file system" in attempt.error(VerificationError).message


def test_an_iso_of_another_system_is_refused(attempt: "Attempt", site: "Site") -> None:
    site.content = site.content.replace(b"rhcos-418", b"other-418")
    assert "volume id" in attempt.error(VerificationError).message


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (403, OperationError), (500, TransientError)])
def test_a_refusal_is_told_without_the_address(attempt: "Attempt", site: "Site", status: int, kind: type[PenstockError]) -> None:
    site.faults = [site.fault(status=status)] * 9
    assert str(status) in attempt.error(kind).message


def test_a_refused_image_is_brought_once_the_server_gives_it(attempt: "Attempt", site: "Site") -> None:
    site.faults = [site.fault(status=404)]
    attempt.error(NotFoundError)
    attempt.image()


def test_fields_and_parameters_go_with_every_request_and_to_no_other_place(attempt: "Attempt", site: "Site", serve: "Serve") -> None:
    other = serve(site.content)
    site.faults = [site.fault(status=302, location="/moved.iso?own=1"), site.fault(status=307, location=f"{other.base}/os.iso")]
    attempt.headers, attempt.query = {"X-Token": SECRET, "authorization": f"Bearer {SECRET}"}, {"key": "a&b"}
    attempt.image()
    assert [path for path, _ in site.asked] == [f"/images/os.iso?token={SECRET}&key=a%26b", "/moved.iso?own=1"]
    assert [(headers.get("x-token"), headers.get("authorization")) for _, headers in site.asked] == [(SECRET, f"Bearer {SECRET}")] * 2
    assert [(path, headers.get("x-token"), headers.get("authorization")) for path, headers in other.asked] == [("/os.iso", None, None)]


def test_user_and_password_of_the_address_are_sent_and_not_told(attempt: "Attempt", site: "Site") -> None:
    url = f"{site.base}/os.iso".replace("http://", f"http://me:{SECRET}@")
    attempt = attempt.at(url)
    site.faults = [site.fault(status=404)]
    attempt.error(NotFoundError)
    assert SECRET not in attempt.image().record.url
    assert {headers["authorization"] for _, headers in site.asked} == {"Basic bWU6czNjcjN0"}


@pytest.mark.parametrize("url", ["ftp://host/x.iso", "nonsense", "https://", "http://[::1/x"])
def test_an_address_that_is_none_is_an_error_of_its_image(attempt: "Attempt", url: str) -> None:
    assert attempt.at(url).error(InputError).subject == attempt.wanted.name


def test_a_run_that_ended_before_the_last_step_need_not_bring_it_again(attempt: "Attempt", site: "Site") -> None:
    site.faults = [site.fault(cut_at=1000)] + [site.fault(status=503)] * 3
    attempt.error(TransientError)
    partial = next(attempt.folder.rglob("*.partial"))
    partial.with_name("image.iso").write_bytes(site.content)
    site.asked.clear()
    attempt.image()
    assert site.asked == []


def test_a_file_that_lies_there_is_used_if_it_is_what_the_list_says(attempt: "Attempt", site: "Site") -> None:
    attempt.folder.mkdir()
    (attempt.folder / NAME).write_bytes(site.content)
    image = attempt.knowing(Digest.of(site.content)).image()
    assert site.asked == []
    assert image.record.checked == ("the SHA-256 of the list",)


def test_a_half_file_that_lies_there_is_brought_anew(attempt: "Attempt", site: "Site") -> None:
    attempt.folder.mkdir()
    (attempt.folder / NAME).write_bytes(site.content[:100_000])
    attempt.image()
    assert (attempt.folder / NAME).read_bytes() == site.content


def test_a_local_iso_is_known_by_what_it_says(live: "LiveIso", tmp_path: Path) -> None:
    images = StandingImages(INSPECTION)
    wanted = Wanted("4.18", Arch.X86_64, FileOrigin(str(live.path)))

    async def work() -> StoredImage:
        store = LocalImageStore(tmp_path / "data", examine=lambda *_: pytest.fail("nothing lies there"))
        (image,) = await store.put(wanted, await images.key(wanted), lambda folder: images.bring(wanted, folder, lambda _event: None))
        return image

    image = asyncio.run(work())
    assert (image.record.version, image.digest) == (BUILD, Digest.of(live.path.read_bytes()))


def test_a_local_file_that_is_no_iso_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.iso"
    path.write_bytes(b"nothing" * 10_000)
    images = StandingImages(INSPECTION)
    with pytest.raises(VerificationError):
        asyncio.run(images.bring(Wanted("4.18", Arch.X86_64, FileOrigin(str(path))), "", lambda _event: None))


@pytest.fixture
def private(serve: "Serve", site: "Site", attempt: "Attempt", tmp_path: Path) -> "tuple[Attempt, Path]":
    """A run against an HTTPS server, and the file of the authority that vouches for it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return attempt.at(f"{serve(site.content, context).base}/os.iso"), tmp_path / "ca.pem"


def test_an_authority_that_nobody_named_is_not_trusted(private: "tuple[Attempt, Path]") -> None:
    assert "certificate" in private[0].error(OperationError).message


def test_an_authority_is_trusted_beside_those_of_the_system(private: "tuple[Attempt, Path]") -> None:
    attempt, ca_file = private
    context = system_and(ca_file)
    replace(attempt, options=replace(attempt.options, tls=context)).image()
    assert attempt.shown == [NAME]
    assert context.cert_store_stats()["x509_ca"] == ssl.create_default_context().cert_store_stats()["x509_ca"] + 1


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_without_authorities_is_an_error_of_input(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(InputError):
        system_and(tmp_path / "ca.pem")
