"""The end of the road: the extracted ISO, served to a host with its Ignition config, read back, and recognised by its other bytes."""

import asyncio
import json
import shutil
import socket
import urllib.request
from pathlib import Path
from typing import Final

from penstock.demo.stage import ARCH, VERSION, Stage
from penstock.flow.file_recognition import find_file
from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.editing import embedded_config
from penstock.lineage.trace import trace
from penstock.model.errors import PenstockError
from penstock.model.lineage import Direction
from penstock.servers.images.running import Listening, Serving, image_service
from penstock.wiring.imageservice import BackendSettings, DownloadSettings, ImageLists, ImageSources, StoreSettings

_HOST: Final = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"
"""The infra-env of the demo's host."""
_CONFIG: Final = {
    "ignition": {"version": "3.4.0"},
    "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,welcome%20to%20the%20end%20of%20the%20road"}}]},
}
_CHUNK_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 30.0
_LOOPBACK: Final = "127.0.0.1"


async def serve_a_host(stage: Stage, iso: str) -> None:
    """Serve ``iso``, a file of the demo, to one host, and look at what it gets.

    Raises:
        PenstockError: the service cannot be started, or the host gets something else.
    """
    hosts, downloaded = stage.folder / "hosts", stage.folder / "host.iso"
    await asyncio.to_thread(_write_config, hosts)
    stage.narrator.step("Serve the ISO to a host, with the host's Ignition config in it")
    name = f"{Path(iso).parent.name}/{Path(iso).name}"
    line = VERSION.rpartition(".")[0]
    port = await asyncio.to_thread(_free_port)
    address = f"http://{_LOOPBACK}:{port}"
    images = f"--iso {line}:{ARCH}={name} --small-images"
    stage.narrator.command(f"penstock images serve {images} --config-dir hosts --port {port} --base-url {address}")
    lists = ImageLists(isos=(f"{line}:{ARCH}={iso}",))
    serving = Serving(
        sources=ImageSources(lists, DownloadSettings(small_images=True)),
        store=StoreSettings(stage.folder / "images"),
        backend=BackendSettings(config_dir=hosts),
        listening=Listening(address=_LOOPBACK, port=port),
        base_url=address,
        ledger=str(stage.folder / "ledger.sqlite"),
    )
    async with image_service(serving) as running:
        await running.keeper.until_settled()
        path = f"byid/{_HOST}/{line}/{ARCH}/full.iso"
        stage.narrator.command(f"curl -o {downloaded.name} {address}/{path}")
        etag = await asyncio.to_thread(_download, f"{address}/{path}", downloaded)
        stage.narrator.result([f"ETag {etag}", await asyncio.to_thread(_compared, iso, downloaded)])
    stage.narrator.command(f"penstock images iso {downloaded.name} --show ignition")
    stage.narrator.result([await asyncio.to_thread(_read_back, downloaded)])
    await _recognise(stage, downloaded)


def _write_config(folder: Path) -> None:
    folder.mkdir()
    (folder / f"{_HOST}.ign").write_text(json.dumps(_CONFIG), encoding="utf-8")


def _free_port() -> int:
    """A port to listen on: the address must be known before, because it is written into minimal ISOs."""
    with socket.create_server((_LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


def _download(url: str, path: Path) -> str:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, path.open("wb") as file:  # noqa: S310  # our own, on loopback
        shutil.copyfileobj(answer, file, _CHUNK_BYTES)
        return str(answer.headers["ETag"])


def _compared(one: str, other: Path) -> str:
    """Where the two differ, in words."""
    first, second = Path(one).read_bytes(), other.read_bytes()
    places = [at for at, (before, after) in enumerate(zip(first, second, strict=True)) if before != after]
    return f"{len(places)} of {len(first)} bytes are not those of the extracted ISO, all from {places[0]} to {places[-1]}"


def _read_back(path: Path) -> str:
    with path.open("rb") as file:
        config = embedded_config(IsoImage(file, name=path.name))
    if json.loads(config) != _CONFIG:
        raise PenstockError("the ISO holds another config than the host's", subject=path.name)
    return config.decode()


async def _recognise(stage: Stage, path: Path) -> None:
    stage.narrator.step("Trace what the host downloaded, which nobody has recorded byte for byte")
    stage.narrator.command(f"penstock trace {path.name} --direction up")
    found = await find_file(stage.ledger, path, place="the demo's ledger")
    stage.narrator.result([f"recognised: this is the ISO that was served to {', '.join(found.served_to)}"])
    stage.narrator.trace([await trace(stage.ledger, artifact, (Direction.UP,)) for artifact in found.artifacts])
