"""HTTPS and plain HTTP beside each other, as a deployment of OpenShift's image service has them."""

import ssl
from typing import TYPE_CHECKING

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
