"""Bytes that differ are exit 3, bytes that do not come are exit 4, and in neither case anything is left behind."""

import asyncio
import gzip
import io
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.adapters.files.staging import Folders
from penstock.adapters.registry import Images, RegistryOptions, Retries, Timeouts
from penstock.formats.oci.descriptor import RawManifest
from penstock.formats.oci.selection import LayerFilter
from penstock.model.digest import Digest
from penstock.model.errors import TransientError
from penstock.model.imageref import parse_reference
from penstock.payload.extract import PathOption, extract_files, plan_extraction
from penstock.payload.resolve import PlatformChoice
from penstock.simulators.registry import Fault, FaultKind, flip_bit

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place
    from tests.integration.extract.conftest import Extract

CONTENT = random.Random(3).randbytes(700_000)
TreeOf = Callable[[Path], dict[str, object]]


def tar_of(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(mode="w", fileobj=out) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


OTHER_LAYER = gzip.compress(tar_of(file=b"other" + CONTENT), mtime=0)
SHORTER_LAYER = gzip.compress(tar_of(file=b"short"), mtime=0)
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "first bit": flip_bit(0),
    "bit of the gzip header": flip_bit(4),
    "bit in the middle": flip_bit(),
    "last bit": flip_bit(-1),
    "another layer": lambda _content: OTHER_LAYER,
    "a shorter layer": lambda _content: SHORTER_LAYER,
    "bytes behind": lambda content: content + b"more",
    "zeros behind": lambda content: content + bytes(512),
    "a second gzip member": lambda content: content + gzip.compress(tar_of(file=b"evil"), mtime=0),
}
CUTS: dict[str, Callable[[bytes], bytes]] = {"its end": lambda content: content[:-1000], "all of it": lambda _content: b""}


@pytest.mark.parametrize("change", CHANGES)
def test_a_layer_of_other_bytes_is_refused(any_place: "Place", build: "type[Build]", extract: "Extract", folder: Path, change: str) -> None:
    image = build.image({"base": b"base"}, {"file": CONTENT, "behind": b"behind"})
    ref = any_place.push(image)
    any_place.tamper(image.layers[-1].digest, CHANGES[change])

    done = extract(ref, "/file")

    assert (done.code, done.out) == (3, ""), done.err
    assert image.layers[-1].digest.hex in done.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("cut", CUTS)
def test_a_layer_that_the_registry_has_lost_a_part_of_does_not_come(
    any_place: "Place", build: "type[Build]", extract: "Extract", folder: Path, cut: str
) -> None:
    image = build.image({"file": CONTENT})
    ref = any_place.push(image)
    any_place.tamper(image.layers[0].digest, CUTS[cut])

    assert extract(ref, "/file").code == 4
    assert list(folder.iterdir()) == []


def test_a_tampered_layer_above_the_file_is_refused(place: "Place", build: "type[Build]", extract: "Extract", folder: Path) -> None:
    image = build.image({"file": CONTENT}, {"unrelated": CONTENT[:5000]})
    ref = place.put(image)
    assert extract(ref, "/file").code == 0

    # The content of another file, in a layer that only had to be passed through.
    place.tamper(image.layers[1].digest, flip_bit())

    assert extract(ref, "/file", "--confirm", "--path", f"/unrelated:{folder}").code == 3
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_tampered_layer_below_the_file_is_not_even_asked_for(
    place: "Place", build: "type[Build]", extract: "Extract", tree: TreeOf, folder: Path
) -> None:
    image = build.image({"file": b"old"}, {"file": CONTENT})
    ref = place.put(image)
    place.tamper(image.layers[0].digest, flip_bit())

    assert extract(ref, "/file").code == 0
    assert tree(folder) == {"file": CONTENT}
    assert place.simulator is not None
    asked = [request.path for request in place.simulator.requests]
    assert any(image.layers[1].digest.hex in path for path in asked)
    assert not any(image.layers[0].digest.hex in path for path in asked)


def test_a_layer_that_really_has_two_gzip_members_is_read(
    place: "Place", build: "type[Build]", extract: "Extract", tree: TreeOf, folder: Path
) -> None:
    plain = tar_of(file=CONTENT, second=b"second")
    layer = gzip.compress(plain[:1000], mtime=0) + gzip.compress(plain[1000:], mtime=0)

    assert extract(place.put(build.image(layer)), "/").code == 0
    assert tree(folder) == {"file": CONTENT, "second": b"second"}


def test_entries_behind_the_end_mark_do_not_count_but_their_bytes_are_verified(
    place: "Place", build: "type[Build]", extract: "Extract", tree: TreeOf, folder: Path
) -> None:
    image = build.image(gzip.compress(tar_of(file=b"first") + tar_of(file=b"second"), mtime=0))
    ref = place.put(image)

    assert extract(ref, "/file").code == 0
    assert tree(folder) == {"file": b"first"}
    place.tamper(image.layers[0].digest, flip_bit(-9))
    assert extract(ref, "/file", "--confirm").code == 3
    assert tree(folder) == {"file": b"first"}


@pytest.mark.parametrize("which", ["manifest", "member of an index", "config"])
def test_a_tampered_document_is_refused(place: "Place", build: "type[Build]", extract: "Extract", folder: Path, which: str) -> None:
    image = build.image({"file": CONTENT})
    other = build.image({"file": b"evil"})
    ref = place.put(build.index(image) if which == "member of an index" else image)
    assert place.simulator is not None
    storage = place.simulator.storage
    match which:
        case "config":
            config = next(digest for digest in image.blobs if digest not in {layer.digest for layer in image.layers})
            storage.tamper(config, lambda content: content.replace(b"linux", b"Linux"))
        case _:
            place.put(other, tag="other")
            storage.put_manifest("os/image", RawManifest(other.manifest.content, image.manifest.media_type, image.manifest.digest))

    done = extract(f"{ref.rpartition(':')[0]}@{image.manifest.digest}" if which == "manifest" else ref, "/file")

    assert done.code == 3, done.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace('"sha256:', '"md5:'), "digest"),
        (lambda text: text.replace('"layers"', '"lawyers"'), "layers"),
        (lambda text: text.replace('"size":', '"size":-'), "size"),
        (lambda text: text[:-1], ""),
        (lambda text: text.replace("{", '{"schemaVersion":2,', 1), "schemaVersion"),
    ],
    ids=["digest of an unknown kind", "no layers", "negative size", "cut JSON", "duplicate key"],
)
def test_a_broken_manifest_is_the_images_fault(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, edit: Callable[[str], str], message: str
) -> None:
    image = build.image({"file": b"content"})
    broken = RawManifest.of(edit(image.manifest.content.decode()).encode(), image.manifest.media_type)
    place.put(image)
    assert place.simulator is not None
    place.simulator.storage.put_manifest("os/image", broken, ["1"])

    done = extract(f"{place.host}/os/image:1", "/file")

    assert done.code == 3, done.err
    assert message in done.err
    assert list(folder.iterdir()) == []


FAULTS = {
    "cut": Fault(FaultKind.CUT_AFTER, amount=0),
    "5xx for ever": Fault(FaultKind.STATUS, amount=502),
    "throttled for ever": Fault(FaultKind.STATUS, amount=429, headers={"Retry-After": "0"}),
    "Content-Length says more": Fault(FaultKind.LIE_CONTENT_LENGTH, amount=100),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bytes_that_never_come_are_worth_another_try(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, fault: str
) -> None:
    image = build.image({"file": CONTENT})
    ref = place.put(image)
    assert place.simulator is not None
    kind = FAULTS[fault]
    place.simulator.faults.add(Fault(kind.kind, f"blobs/{image.layers[0].digest}", amount=kind.amount, headers=kind.headers))

    done = extract(ref, "/file")

    assert (done.code, done.out) == (4, ""), done.err
    assert "hint: try again later" in done.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("cut_after", [1, 2, 3, 1000, 400_000, len(CONTENT) - 1])
def test_a_cut_connection_is_resumed_by_range(
    *, place: "Place", build: "type[Build]", extract: "Extract", tree: TreeOf, folder: Path, cut_after: int
) -> None:
    image = build.image({"file": CONTENT})
    ref = place.put(image)
    assert place.simulator is not None
    place.simulator.faults.add(Fault(FaultKind.CUT_AFTER, str(image.layers[0].digest), amount=cut_after, times=1))

    assert extract(ref, "/file").code == 0
    assert tree(folder) == {"file": CONTENT}
    asked = [request.range for request in place.simulator.requests if image.layers[0].digest.hex in request.path]
    assert asked == ["", f"bytes={cut_after}-"]


def test_a_content_length_that_says_less_is_made_up_for(
    place: "Place", build: "type[Build]", extract: "Extract", tree: TreeOf, folder: Path
) -> None:
    image = build.image({"file": CONTENT})
    ref = place.put(image)
    assert place.simulator is not None
    place.simulator.faults.add(Fault(FaultKind.LIE_CONTENT_LENGTH, str(image.layers[0].digest), amount=-100, times=1))

    assert extract(ref, "/file").code == 0
    assert tree(folder) == {"file": CONTENT}


def test_a_content_length_that_always_says_less_is_worth_another_try(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path
) -> None:
    image = build.image({"file": CONTENT})
    ref = place.put(image)
    assert place.simulator is not None
    place.simulator.faults.add(Fault(FaultKind.LIE_CONTENT_LENGTH, str(image.layers[0].digest), amount=-1))

    assert extract(ref, "/file").code == 4
    assert list(folder.iterdir()) == []


def test_a_registry_that_falls_silent_is_given_up(place: "Place", build: "type[Build]", folder: Path) -> None:
    image = build.image({"file": CONTENT})
    ref = parse_reference(place.put(image))
    assert place.simulator is not None
    place.simulator.faults.add(Fault(FaultKind.STALL_AFTER, str(image.layers[0].digest), amount=1000))
    options = RegistryOptions(environment={}, retries=Retries(attempts=2, first_wait_s=0.01), timeouts=Timeouts(stall_s=0.3))

    async def work() -> None:
        paths = [PathOption.parse(f"/file:{folder}", confirm=False)]
        async with Images(options) as images:
            choice, layers = PlatformChoice(), LayerFilter()
            plan = await plan_extraction(images, ref, paths, choice=choice, layers=layers)
            await extract_files(images, Folders(), plan, known={}, progress=lambda _event: None)

    with pytest.raises(TransientError, match="sent nothing for"):
        asyncio.run(work())
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("form", ["{hash}", "{hash}\n", "{hash}  file\n", "{HASH} *file\n"])
def test_the_companion_that_holds_the_right_hash_is_told(place: "Place", build: "type[Build]", extract: "Extract", form: str) -> None:
    right = Digest.of(CONTENT).hex
    text = form.format(hash=right, HASH=right.upper()).encode()

    done = extract(place.put(build.image({"d/file.sha256": text, "d/file": CONTENT})), "/d/file")

    assert done.code == 0
    assert "/d/file.sha256" in done.out


@pytest.mark.parametrize("text", [b"", b"none", b"a" * 63, b"a" * 65, b"\xff\xfe", b"a" * 64, b"a" * 64 + b"  file\n"])
@pytest.mark.parametrize("layers_apart", [False, True])
def test_a_companion_that_says_something_else_refuses_the_file(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, text: bytes, layers_apart: bool
) -> None:
    companion = {"d/file.sha256": text}
    layers = [{"d/file": CONTENT}, companion] if layers_apart else [{"d/file": CONTENT} | companion]

    done = extract(place.put(build.image(*layers)), "/d/file")

    assert done.code == 3
    assert "sha256" in done.err
    assert list(folder.iterdir()) == []
