"""The environments that OpenShift deploys its image service with start this one, unchanged but for addresses and folders.

They are those of assisted-image-service's ``deploy/template.yaml`` and of the StatefulSet that the operator of assisted-service makes
(``internal/controller/controllers/agentserviceconfig_controller.go``), with what Kubernetes adds by itself.
"""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from penstock.model.hosts import CredentialKind
from penstock.simulators.assisted import CLAIM_SAAS, AssistedThread, InfraEnv, kernel_arguments_text

if TYPE_CHECKING:
    from tests.integration.images.conftest import IsoMaker, LiveIso
    from tests.integration.images.served.conftest import Serving, WebSite

Serve = Callable[..., AbstractContextManager["Serving"]]

HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
BUILD = "418.94.202501221327-0"
BASE_URL = "https://images.example.com"
CONFIG = b'{"ignition":{"version":"3.2.0"}}'
UNWRITABLE = "/proc"
"""Where nobody can make a file, root neither: the root file system of the pod is read-only, and so is the home of its user."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """The site that images come from."""

    live: "LiveIso"
    site: "WebSite"

    @property
    def listed(self) -> str:
        """As it stands in the template: on several lines."""
        url = f"{self.site.url}/{self.live.path.name}"
        entry = {"openshift_version": "4.17", "cpu_architecture": "x86_64", "url": url, "version": BUILD}
        return json.dumps([entry], indent=4) + "\n"


@pytest.fixture(scope="module")
def downloads(
    make_in: "Callable[[Path], IsoMaker]",
    web_site: "Callable[[Path], AbstractContextManager[WebSite]]",
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Downloads]:
    """An ISO whose kernel and root file system are no smaller than an image service takes."""
    folder = tmp_path_factory.mktemp("downloads")
    real = {"images/pxeboot/vmlinuz": bytes(5 << 20), "images/pxeboot/rootfs.img": bytes(100 << 20)}
    live = make_in(folder).x86_64(other=real)
    with web_site(folder) as site:
        yield Downloads(live, site)


@pytest.fixture
def volumes(tmp_path: Path) -> dict[str, str]:
    """The folders of the pod that can be written to."""
    folders = {name: tmp_path / name for name in ("data", "data_temp")}
    for folder in folders.values():
        folder.mkdir()
    return {"DATA_DIR": str(folders["data"]), "DATA_TEMP_DIR": str(folders["data_temp"])}


KUBERNETES = {
    "HOME": UNWRITABLE,
    "HOSTNAME": "assisted-image-service-0",
    "KUBERNETES_SERVICE_HOST": "172.30.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_PORT": "tcp://172.30.0.1:443",
    "ASSISTED_IMAGE_SERVICE_SERVICE_HOST": "172.30.0.2",
    "ASSISTED_IMAGE_SERVICE_PORT": "tcp://172.30.0.2:8080",
    "ASSISTED_SERVICE_SERVICE_HOST": "172.30.0.3",
    "ASSISTED_SERVICE_PORT": "tcp://172.30.0.3:8090",
}
"""What every container gets: where the services of its namespace are."""


def must_behave(serving: "Serving", downloads: Downloads, volumes: dict[str, str], prefix: str) -> None:
    """What the probes of the pod and its hosts ask for."""
    assert serving.get("/live").status == 200
    serving.wait()
    full = serving.content(f"{prefix}/4.17/x86_64/full.iso")
    assert downloads.live.differences_outside(full) == set()
    assert b"ignition.platform.id=metal console=ttyS0\n" in full
    serving.wait("?version=4.17&type=minimal-iso")
    url = f'coreos.live.rootfs_url="{BASE_URL}/boot-artifacts/rootfs?arch=x86_64&version={BUILD}"'
    minimal = serving.content(f"{prefix}/{BUILD}/x86_64/minimal.iso")
    assert len(minimal) < 8 << 20
    assert url.encode() in minimal
    assert serving.content("/boot-artifacts/kernel?version=4.17&arch=x86_64") == bytes(5 << 20)
    assert b"assisted_image_service_http_requests_inflight" in serving.content("/metrics")
    stored = Path(volumes["DATA_DIR"]) / f"rhcos-full-iso-{BUILD}-x86_64.iso"
    assert stored.stat().st_size == downloads.live.path.stat().st_size
    assert list(Path(volumes["DATA_TEMP_DIR"]).iterdir()) == []
    assert serving.end() == 0
    said = serving.said.read_text()
    assert "[error" not in said
    assert said.count("[warning") == said.count("the ledger cannot be written") == 1, "once, and nothing else"
    assert prefix.rpartition("/")[2] not in said, "the token"


def host() -> InfraEnv:
    return InfraEnv(CONFIG, kernel_arguments=kernel_arguments_text(["console=ttyS0"]))


def test_the_environment_of_the_template_starts_this_service(
    *, serving: Serve, downloads: Downloads, volumes: dict[str, str], tmp_path: Path, free_port: Callable[[], int]
) -> None:
    with AssistedThread({HOST: host()}, auth=[CredentialKind.IMAGE_TOKEN]) as assisted:
        environment = {
            **KUBERNETES,
            "LISTEN_PORT": str(free_port()),
            "RHCOS_VERSIONS": downloads.listed,
            "OS_IMAGES_REQUEST_HEADERS": "",
            "ASSISTED_SERVICE_SCHEME": "http",
            "ASSISTED_SERVICE_HOST": assisted.url.removeprefix("http://"),
            "IMAGE_SERVICE_HOST": BASE_URL,
            "IMAGE_SERVICE_BASE_URL": BASE_URL,
            **volumes,
        }
        with serving(tmp_path, env=environment, bare=True) as service:
            assert service.urls == (f"http://127.0.0.1:{environment['LISTEN_PORT']}",)
            must_behave(service, downloads, volumes, f"/bytoken/{assisted.make_token(HOST, CLAIM_SAAS)}")


def test_the_environment_of_the_operator_starts_this_service(
    *, serving: Serve, downloads: Downloads, volumes: dict[str, str], tmp_path: Path, free_port: Callable[[], int]
) -> None:
    authority, trusting = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trusting)
    issued, backend_tls = authority.issue_cert("127.0.0.1", "localhost"), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(backend_tls)
    files = {name: tmp_path / name for name in ("tls.crt", "tls.key", "service-ca.crt")}
    issued.cert_chain_pems[0].write_to_path(files["tls.crt"])
    issued.private_key_pem.write_to_path(files["tls.key"])
    authority.cert_pem.write_to_path(files["service-ca.crt"])
    with AssistedThread({HOST: host()}, auth=[CredentialKind.API_KEY], tls=backend_tls) as assisted:
        environment = {
            **KUBERNETES,
            "LISTEN_PORT": str(free_port()),
            "RHCOS_VERSIONS": downloads.listed,
            "ASSISTED_SERVICE_HOST": assisted.url.removeprefix("https://"),
            "IMAGE_SERVICE_BASE_URL": BASE_URL,
            "INSECURE_SKIP_VERIFY": "false",
            **volumes,
            "HTTPS_CERT_FILE": str(files["tls.crt"]),
            "HTTPS_KEY_FILE": str(files["tls.key"]),
            "HTTPS_CA_FILE": str(files["service-ca.crt"]),
            "ASSISTED_SERVICE_SCHEME": "https",
            "HTTP_LISTEN_PORT": str(free_port()),
            "HTTP_PROXY": f"http://127.0.0.1:{free_port()}",
            "HTTPS_PROXY": f"http://127.0.0.1:{free_port()}",
            "NO_PROXY": ".cluster.local,.svc,127.0.0.1,localhost",
            "OS_IMAGES_REQUEST_HEADERS": '{"x-site": "here"}',
        }
        with serving(tmp_path, env=environment, bare=True, listeners=2, tls=trusting) as service:
            assert service.urls == (
                f"https://127.0.0.1:{environment['LISTEN_PORT']}",
                f"http://127.0.0.1:{environment['HTTP_LISTEN_PORT']}",
            )
            service.wait()
            plain, key = service.urls[1], assisted.make_token(HOST)
            assert service.ask(f"{plain}/images/{HOST}/pxe-initrd?version=4.17&api_key={key}").status == 200
            assert service.ask(f"{plain}/byapikey/{key}/4.17/x86_64/full.iso").status == 404
            must_behave(service, downloads, volumes, f"/byapikey/{key}")
        assert downloads.site.asked[-1][1]["x-site"] == "here"
