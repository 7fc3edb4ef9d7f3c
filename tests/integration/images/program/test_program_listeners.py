"""HTTPS and plain HTTP beside each other, as a deployment of OpenShift's image service has them; who may come, and how many."""

import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.program.conftest import Kit, Programs


def test_https_is_for_everything_and_plain_http_for_the_initramfs_alone(programs: "Programs", kit: "Kit", ask: "Ask") -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(programs.folder / "tls.crt")
    certificate.private_key_pem.write_to_path(programs.folder / "tls.key")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    environment = {
        "HTTPS_CERT_FILE": str(programs.folder / "tls.crt"),
        "HTTPS_KEY_FILE": str(programs.folder / "tls.key"),
        "HTTP_LISTEN_PORT": "0",
    }
    child = programs.serve(*programs.iso("4.17", "417.94.1-0"), env=environment)
    secure, plain = child.urls
    assert (secure.partition("://")[0], plain.partition("://")[0]) == ("https", "http")
    assert kit.eventually(lambda: ask(f"{plain}/health").status == 200)
    iso, initrd = f"/byid/{kit.host}/4.17/x86_64/full.iso", f"/images/{kit.host}/pxe-initrd?version=4.17"
    assert kit.is_made_of(ask(secure + iso, tls=client).body, kit.iso("417.94.1-0"))
    assert ask(plain + iso).status == 404
    assert ask(plain + initrd).body == ask(secure + initrd, tls=client).body
    assert child.stop() == 0
    assert child.err.count("penstock: ") == 0


@pytest.mark.parametrize(
    ("words", "has_form"),
    [((), True), (("--no-page-form",), False), (("--listen", "0.0.0.0"), False), (("--listen", "0.0.0.0", "--page-form"), True)],
    ids=["loopback", "loopback without", "everywhere", "everywhere with"],
)
def test_who_opens_the_page_from_elsewhere_may_store_configs_where_that_was_said_alone(
    programs: "Programs", kit: "Kit", words: tuple[str, ...], *, has_form: bool
) -> None:
    child = programs.serve(*programs.iso("4.17", "417.94.1-0"), *words)
    assert kit.eventually(child.is_ready)
    assert (b"<form" in child.ask("/").body) is has_form
    # Without a form nothing can be stored by sending one either.
    assert child.ask("/", method="POST", body=b"", Content_Type="application/x-www-form-urlencoded").status == (422 if has_form else 405)


def test_who_asks_where_an_iso_comes_from_waits_for_a_slot_as_for_the_iso(programs: "Programs", kit: "Kit") -> None:
    child = programs.serve(*programs.iso("4.17", "417.94.1-0", kit.large), "--max-concurrent-requests", 1)
    assert kit.eventually(child.is_ready)
    iso, way = f"/byid/{kit.host}/4.17/x86_64/full.iso", f"/v1/provenance/{kit.host}?version=4.17&type=full-iso"
    assert child.ask(way).status == 200
    with socket.create_connection(("127.0.0.1", child.port), timeout=30) as reader:
        reader.sendall(f"GET {iso} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert reader.recv(1)
        with socket.create_connection(("127.0.0.1", child.port), timeout=1) as asker:
            asker.sendall(f"GET {way} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            with pytest.raises(TimeoutError):
                asker.recv(1)
            reader.close()
            asker.settimeout(30)
            assert asker.recv(12) == b"HTTP/1.1 200"
