"""Documents and ledger rows of served ISOs, without any file."""

from dataclasses import replace

import pytest

from penstock.formats.coreos_iso.embed import EmbedArea, ToldBy
from penstock.imageservice.catalogue import ReadyImage
from penstock.imageservice.overlay import Bytes, Plan, Source, whole
from penstock.imageservice.prepared import Base, BootFiles, PreparedImage
from penstock.imageservice.provenance import Outsides, Served, lineage_of_image, lineage_of_snapshot, provenance_document, without_query
from penstock.imageservice.snapshot import Overlaid, Snapshot
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.lineage import Kind
from penstock.model.osimage import ImageRecord, ImageType, PayloadSteps, StoredImage

DIGEST = Digest.of(b"iso")
SOURCE = Source.by_digest("full.iso", 1000, str(DIGEST))
FULL, MINIMAL, ROOMY = (Digest.of(name) for name in (b"full", b"minimal", b"roomy"))
OUTSIDES = Outsides(FULL, MINIMAL, ROOMY)
STEPS = PayloadSteps("quay.example/r:4.18.1", Digest.of(b"r"), "quay.example/i:1", Digest.of(b"i"), Digest.of(b"l"), "coreos/a.iso")
RECORD = ImageRecord("4.18", "418.94-0", Arch.AARCH64, ImageType.FULL, "key", ("4.18.1",), "", STEPS, ("the layer",))


def base(plan: Plan) -> Base:
    return Base(plan, EmbedArea(10, 20, "images/ignition.img", ToldBy.FILE), None)


def image(record: ImageRecord = RECORD) -> ReadyImage:
    full, minimal, roomy = (base(whole(SOURCE).slice(0, size)) for size in (1000, 100, 200))
    prepared = PreparedImage(SOURCE, "rhcos-418.94-0", full, BootFiles(None, None, None), minimal, roomy)
    return ReadyImage(StoredImage(record, DIGEST, 1000, 1), prepared)


def served(kind: ImageType, size: int, record: ImageRecord = RECORD) -> Served:
    plan = whole(SOURCE).slice(0, 10) + Plan.of(Bytes(b"x" * 20)) + whole(SOURCE).slice(30, size)
    overlaid = (Overlaid(10, 20, "Ignition config"),)
    return Served("host", kind, image(record), Snapshot(plan, plan.etag(), 1, "host-discovery.iso", "application/x", {}, overlaid))


@pytest.mark.parametrize(
    ("kind", "size", "source"),
    [
        (ImageType.FULL, 1000, ("file", str(DIGEST))),
        (ImageType.MINIMAL, 100, ("minimal-iso", f"outside:{MINIMAL}")),
        (ImageType.MINIMAL, 200, ("minimal-iso", f"outside:{ROOMY}")),
    ],
)
def test_a_served_iso_is_made_from_its_base(kind: ImageType, size: int, source: tuple[str, str]) -> None:
    one = served(kind, size)
    (made,), edges = lineage_of_snapshot(one, OUTSIDES)
    assert made.id == ("served-iso", one.snapshot.etag.strip('"'))
    assert (source, made.id) in [(edge.source, edge.made) for edge in edges]


def test_a_minimal_iso_that_nobody_has_read_yet_comes_from_the_file() -> None:
    (made,), edges = lineage_of_snapshot(served(ImageType.MINIMAL, 100))
    assert (("file", str(DIGEST)), made.id) in [(edge.source, edge.made) for edge in edges]


def test_a_file_from_an_address_is_told_without_what_may_be_secret() -> None:
    record = replace(RECORD, steps=None, url="https://me:word@mirror.example/x/rhcos.iso?key=secret#part")
    artifacts, edges = lineage_of_image(image(record), OUTSIDES)
    (file,) = (artifact for artifact in artifacts if artifact.kind is Kind.FILE)
    assert file.facts["url"] == "https://mirror.example/x/rhcos.iso"
    assert "rhcos.iso" in file.names
    told = f"{artifacts} {edges} {provenance_document(served(ImageType.FULL, 1000, record))}"
    assert "secret" not in told
    assert "word" not in told


def test_one_minimal_iso_for_both_uses_is_one_artifact() -> None:
    artifacts, _ = lineage_of_image(image(), Outsides(FULL, ROOMY, ROOMY))
    assert [artifact.key for artifact in artifacts if artifact.kind is Kind.MINIMAL_ISO] == [f"outside:{ROOMY}"]


def test_the_edges_of_a_payload_are_those_that_an_extraction_records() -> None:
    _, edges = lineage_of_image(image())
    assert {(edge.source[0], edge.made[0], edge.why) for edge in edges} == {
        ("image", "release", "component machine-os-images"),
        ("image", "layer", "holds /coreos/a.iso"),
        ("layer", "file", "extracted /coreos/a.iso"),
        ("release", "file", "extracted /coreos/a.iso from machine-os-images"),
    }


def test_the_bare_identity_of_a_minimal_iso_has_no_digest_as_its_key_is_none_of_its_bytes() -> None:
    from penstock.model.lineage import Artifact, outside_name

    assert Artifact.bare((Kind.MINIMAL_ISO.value, outside_name(FULL))).digest is None


def test_arch_and_names_are_those_of_the_lists() -> None:
    found = provenance_document(served(ImageType.FULL, 1000), OUTSIDES)
    assert found["image"]["arch"] == "arm64"
    assert found["base"]["outside"] == str(FULL)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://a.example/b?c=d", "https://a.example/b"),
        ("https://u:p@a.example:8443/b#f", "https://a.example:8443/b"),
        ("http://[::1]:80/b;x?y", "http://[::1]:80/b;x"),
    ],
)
def test_an_address_is_told_without_user_query_and_fragment(url: str, told: str) -> None:
    assert without_query(url) == told
