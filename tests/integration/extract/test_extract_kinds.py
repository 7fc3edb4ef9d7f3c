"""Images as other tools make them: other compressions, other media types, names that are no Unicode."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.cli.main import run_program
from penstock.formats.oci.build import LayerEntry
from penstock.formats.oci.compression import Compression
from penstock.formats.oci.descriptor import RawManifest

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place
    from tests.integration.extract.conftest import Extract

pytestmark = pytest.mark.integration
TreeOf = Callable[[Path], dict[str, object]]

DOCKER = {
    "application/vnd.oci.image.manifest.v1+json": "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.layer.v1.tar+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}


def as_docker(text: str) -> str:
    for oci, docker in DOCKER.items():
        text = text.replace(oci, docker)
    return text


@pytest.mark.parametrize("compression", Compression)
def test_layers_are_read_however_they_are_compressed(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, compression: Compression
) -> None:
    assert extract(place.put(build.image({"x": b"x" * 100_000}, compression=compression)), "/x").code == 0
    assert tree(folder) == {"x": b"x" * 100_000}


def test_a_media_type_that_lies_about_the_compression_is_forgiven(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf
) -> None:
    image = build.image({"x": b"x"}, compression=Compression.ZSTD, edit=lambda text: text.replace("tar+zstd", "tar+gzip"))

    assert extract(place.put(image), "/x").code == 0
    assert tree(folder) == {"x": b"x"}


def test_docker_images_are_read(any_place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf) -> None:
    assert extract(any_place.push(build.image({"x": b"x"}, edit=as_docker)), "/x").code == 0
    assert tree(folder) == {"x": b"x"}


def test_schema_1_is_refused_in_one_sentence(place: "Place", build: "type[Build]", extract: "Extract", folder: Path) -> None:
    image = build.image({"x": b"x"})
    text = image.manifest.content.decode().replace(
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+json"
    )
    place.put(image)
    assert place.simulator is not None
    old = RawManifest.of(text.encode(), "application/vnd.docker.distribution.manifest.v1+json")
    place.simulator.storage.put_manifest("os/image", old, ["1"])

    done = extract(f"{place.host}/os/image:1", "/x")

    assert done.code == 1
    assert "schema 1" in done.err
    assert list(folder.iterdir()) == []


def test_a_name_that_is_no_unicode_is_extracted_told_and_traced(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = extract(place.put(build.image({"caf\udce9": b"latin"})), "/caf*")

    assert (done.code, done.err) == (0, "")
    assert [os.fsencode(path.name) for path in folder.iterdir()] == [b"caf\xe9"]
    assert run_program(["trace", done.json["files"][0]["sha256"]]) == 0
    assert "caf" in capfd.readouterr().out


def test_modes_are_masked_and_times_kept(place: "Place", build: "type[Build]", extract: "Extract", folder: Path) -> None:
    before = os.umask(0o027)
    try:
        assert extract(place.put(build.image([LayerEntry("x", b"x", mode=0o6777)])), "/x").code == 0
    finally:
        os.umask(before)
    found = (folder / "x").stat()

    assert stat.S_IMODE(found.st_mode) == 0o750
    assert found.st_mtime == 1_760_000_000
    assert found.st_uid == os.getuid()


def test_links_inside_a_folder_are_extracted_as_links(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf
) -> None:
    layer = [LayerEntry("d/x", b"x"), build.link("d/soft", "/etc/passwd"), build.link("d/hard", "d/x", hard=True)]

    assert extract(place.put(build.image(layer)), "/d/").code == 0
    assert tree(folder) == {"x": b"x", "soft": "/etc/passwd", "hard": b"x"}
    assert (folder / "x").stat().st_ino == (folder / "hard").stat().st_ino


def test_nothing_is_written_through_a_link_of_the_image(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    layer = [build.link("d/way", str(outside)), LayerEntry("d/way/x", b"evil")]

    assert extract(place.put(build.image(layer)), "/d/").code == 3
    assert list(outside.iterdir()) == []
    assert list(folder.iterdir()) == []
