"""OCI layouts on disk, as a source and as a sink."""

import asyncio
import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

from penstock.adapters.registry import Layouts
from penstock.formats.oci.descriptor import OCI_CONFIG, OCI_LAYER_TAR, OCI_MANIFEST, Descriptor, RawManifest
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, OperationError, PenstockError, VerificationError
from penstock.model.imageref import LayoutRef

if TYPE_CHECKING:
    from tests.unit.adapters.registry.conftest import Web

CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
LAYER = bytes(1024)


def _descriptor(content: bytes, media_type: str = OCI_LAYER_TAR) -> Descriptor:
    return Descriptor(media_type, Digest.of(content), len(content))


def _manifest(note: str = "") -> RawManifest:
    def entry(content: bytes, media_type: str) -> dict[str, object]:
        return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}

    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": entry(CONFIG, OCI_CONFIG),
        "layers": [entry(LAYER, OCI_LAYER_TAR)],
        "annotations": {"note": note},
    }
    return RawManifest.of(json.dumps(document).encode(), OCI_MANIFEST)


async def _push(ref: LayoutRef, manifest: RawManifest) -> None:
    for content, media_type in ((CONFIG, OCI_CONFIG), (LAYER, OCI_LAYER_TAR)):
        await Layouts().push_blob(ref, _descriptor(content, media_type), lambda content=content: io.BytesIO(content))  # type: ignore[misc]
    await Layouts().push_manifest(ref, manifest)


@pytest.fixture
def ref(tmp_path: Path) -> LayoutRef:
    return LayoutRef(str(tmp_path / "layout"), "v1")


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_was_pushed_is_read_again(ref: LayoutRef, web: "Web") -> None:
    async def scenario() -> None:
        manifest, layouts = _manifest(), Layouts()
        await _push(ref, manifest)
        for same in (ref, ref.with_digest(manifest.digest), LayoutRef(ref.directory)):
            assert await layouts.fetch_manifest(same) == manifest
        assert await layouts.fetch_blob(ref, _descriptor(CONFIG)) == CONFIG
        assert await layouts.has_blob(ref, _descriptor(LAYER)) is True
        assert await layouts.has_blob(ref, _descriptor(b"nothing")) is False
        assert web.drain(await layouts.open_blob(ref, _descriptor(LAYER))) == LAYER

    asyncio.run(scenario())


def test_skopeo_reads_what_was_pushed_and_the_other_way_round(ref: LayoutRef, require_program: Callable[[str], str]) -> None:
    skopeo = require_program("skopeo")
    asyncio.run(_push(ref, _manifest()))

    shown = subprocess.run([skopeo, "inspect", "--raw", str(ref)], capture_output=True, check=True).stdout
    subprocess.run(
        [skopeo, "--insecure-policy", "copy", "--preserve-digests", str(ref), str(ref.with_tag("v2"))], capture_output=True, check=True
    )

    assert shown == _manifest().content
    assert asyncio.run(Layouts().fetch_manifest(ref.with_tag("v2"))) == _manifest()


def test_a_tag_moves_and_other_tags_and_unknown_keys_stay(ref: LayoutRef) -> None:
    async def scenario() -> None:
        await _push(ref, _manifest("old"))
        index = Path(ref.directory) / "index.json"
        index.write_text(json.dumps({**json.loads(index.read_text()), "annotations": {"kept": "yes"}}))
        await _push(ref.with_tag("v2"), _manifest("two"))
        await _push(ref, _manifest("new"))

        assert await Layouts().fetch_manifest(ref) == _manifest("new")
        assert await Layouts().fetch_manifest(ref.with_tag("v2")) == _manifest("two")
        assert json.loads(index.read_text())["annotations"] == {"kept": "yes"}

    asyncio.run(scenario())


def test_many_writers_fill_one_layout(ref: LayoutRef) -> None:
    async def scenario() -> None:
        tags = [f"t{number}" for number in range(20)]
        await asyncio.gather(*(_push(ref.with_tag(tag), _manifest(tag)) for tag in tags))
        for tag in tags:
            assert await Layouts().fetch_manifest(ref.with_tag(tag)) == _manifest(tag)

    asyncio.run(scenario())


def test_a_manifest_by_digest_alone_gets_no_entry(ref: LayoutRef) -> None:
    async def scenario() -> None:
        await _push(ref, _manifest())
        inner = _manifest("inside an index")
        await Layouts().push_manifest(ref.with_digest(inner.digest), inner)

        assert len(json.loads((Path(ref.directory) / "index.json").read_text())["manifests"]) == 1
        assert await Layouts().fetch_manifest(ref.with_digest(inner.digest)) == inner
        with pytest.raises(InputError):
            await Layouts().push_manifest(ref.with_digest(inner.digest), _manifest())

    asyncio.run(scenario())


@pytest.mark.parametrize("content", [LAYER[:-1], LAYER + b"!", b"", bytes(1023) + b"!"])
def test_other_content_than_promised_leaves_nothing(ref: LayoutRef, content: bytes) -> None:
    with pytest.raises(DigestMismatch):
        asyncio.run(Layouts().push_blob(ref, _descriptor(LAYER), lambda: io.BytesIO(content)))

    assert _files(Path(ref.directory)) == {"oci-layout"}


@pytest.mark.parametrize("damage", [LAYER[:-1], LAYER + b"!", b""])
def test_a_blob_of_another_size_is_a_mismatch_and_is_replaced_by_a_push(ref: LayoutRef, web: "Web", damage: bytes) -> None:
    async def scenario() -> None:
        await _push(ref, _manifest())
        blob = _descriptor(LAYER)
        path = Path(ref.directory) / "blobs" / "sha256" / blob.digest.hex
        path.write_bytes(damage)
        for read in (Layouts().fetch_blob(ref, blob), Layouts().has_blob(ref, blob)):
            with pytest.raises(DigestMismatch) as caught:
                await read
            assert "copy the image there again" in caught.value.hint
        with pytest.raises(DigestMismatch):
            web.drain(await Layouts().open_blob(ref, blob))
        await _push(ref, _manifest())
        assert path.read_bytes() == LAYER

    asyncio.run(scenario())


def test_a_manifest_with_a_flipped_bit_is_refused(ref: LayoutRef) -> None:
    asyncio.run(_push(ref, _manifest("a")))
    (Path(ref.directory) / "blobs" / "sha256" / _manifest("a").digest.hex).write_bytes(_manifest("b").content)

    with pytest.raises(DigestMismatch):
        asyncio.run(Layouts().fetch_manifest(ref))


def test_what_is_not_there_is_not_found(ref: LayoutRef) -> None:
    with pytest.raises(NotFoundError, match="no OCI layout"):
        asyncio.run(Layouts().fetch_manifest(ref))
    asyncio.run(_push(ref, _manifest()))
    with pytest.raises(NotFoundError) as caught:
        asyncio.run(Layouts().fetch_manifest(ref.with_tag("v9")))
    assert "v1" in caught.value.hint
    with pytest.raises(NotFoundError):
        asyncio.run(Layouts().fetch_blob(ref, _descriptor(b"nothing")))


def test_of_several_images_one_must_be_named(ref: LayoutRef) -> None:
    asyncio.run(_push(ref, _manifest("a")))
    asyncio.run(_push(ref.with_tag("v2"), _manifest("b")))

    with pytest.raises(InputError, match="holds 2 images"):
        asyncio.run(Layouts().fetch_manifest(LayoutRef(ref.directory)))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"manifests": 5}', '{"manifests": [{"digest": "../../etc/passwd"}]}'])
def test_a_broken_index_is_told_and_never_overwritten(ref: LayoutRef, content: str) -> None:
    asyncio.run(_push(ref, _manifest()))
    index = Path(ref.directory) / "index.json"
    index.write_text(content)

    with pytest.raises(VerificationError):
        asyncio.run(Layouts().fetch_manifest(LayoutRef(ref.directory)))
    if "passwd" not in content:
        with pytest.raises(VerificationError):
            asyncio.run(Layouts().push_manifest(ref, _manifest("new")))
        assert index.read_text() == content


def test_a_target_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OperationError, match="cannot be written"):
        asyncio.run(_push(LayoutRef(str(tmp_path / "file")), _manifest()))


def test_content_that_cannot_be_read_is_told(ref: LayoutRef) -> None:
    def missing() -> BinaryIO:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(OperationError, match="the content cannot be read: No such file"):
        asyncio.run(Layouts().push_blob(ref, _descriptor(LAYER), missing))


def test_a_full_disk_is_told_and_leaves_no_part(ref: LayoutRef) -> None:
    """The process may not write files beyond 64 KiB: the kernel then answers as a full quota does."""
    program = """
import asyncio, io, resource, signal, sys
from penstock.adapters.registry import Layouts
from penstock.formats.oci.descriptor import Descriptor
from penstock.model.digest import Digest
from penstock.model.errors import OperationError
from penstock.model.imageref import LayoutRef
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
content = bytes(1 << 20)
try:
    asyncio.run(Layouts().push_blob(LayoutRef(sys.argv[1]), Descriptor("x", Digest.of(content), len(content)), lambda: io.BytesIO(content)))
except OperationError as error:
    print(error)
"""
    import sys

    done = subprocess.run([sys.executable, "-c", program, ref.directory], capture_output=True, text=True, check=True, env=dict(os.environ))

    assert "cannot be written: File too large" in done.stdout
    assert _files(Path(ref.directory)) == {"oci-layout"}


def test_reading_after_closing_is_an_error_of_the_tree(ref: LayoutRef) -> None:
    async def scenario() -> None:
        await _push(ref, _manifest())
        reader = await Layouts().open_blob(ref, _descriptor(LAYER))
        reader.close()
        reader.close()
        with pytest.raises(PenstockError):
            reader.readinto(memoryview(bytearray(10)))

    asyncio.run(scenario())
