"""What merging tells the ledger: the files that the result holds something of, and nothing where there is no new result."""

import json

from penstock.formats.stream import parse_marketplace, parse_stream, write_stream_document
from penstock.model.lineage import Kind
from penstock.streams.document_lineage import Lineage, Source, lineage_of_merge
from penstock.streams.merging import merge_marketplace
from penstock.streams.parts import merge_part, parse_part

STREAM = b'{\n  "stream": "s",\n  "architectures": {\n    "x86_64": {\n      "images": {}\n    }\n  }\n}\n'
UNPAID = b'{"x86_64": {"azure": {"no-purchase-plan": {}}}}'
OCP = b'{"x86_64": {"azure": {"ocp": {}}}}'
SOLD = (
    b'{"stream": "s", "architectures": {"x86_64": {"rhel-coreos-extensions": {"marketplace": {"azure": {"ocp": {"hyperVGen2": %s}}}}}}}'
    % (b'{"publisher": "redhat", "offer": "o", "sku": "s", "version": "1.2.3"}')
)
MAINFRAME = b'{"s390x": {"azure": {"ocp": {}}}}'


def pushed(**images: str) -> bytes:
    """A part with these images in these regions of AWS."""
    regions = {region.replace("_", "-"): {"release": "1", "image": image} for region, image in images.items()}
    return json.dumps({"stream": "p", "architectures": {"x86_64": {"images": {"aws": {"regions": regions}}}}}).encode()


def merged(stream: bytes, *marketplaces: bytes) -> tuple[bytes, Lineage]:
    """As the command does it; the first file is ``stream.json``, the others are ``0.json``, ``1.json`` …."""
    document = parse_stream(stream, subject="s")
    sources = [Source(stream, "stream.json", document)]
    for number, content in enumerate(marketplaces):
        if b'"stream"' in content:
            part = parse_part(content, subject="p")
            document = merge_part(document, part).stream
            sources.append(Source(content, f"{number}.json", part=part))
            continue
        marketplace = parse_marketplace(content, subject="m")
        document = merge_marketplace(document, marketplace).stream
        sources.append(Source(content, f"{number}.json", marketplace=marketplace))
    made = write_stream_document(document, like=stream)
    return made, lineage_of_merge(sources, made, document)


def drawn(lineage: Lineage) -> list[tuple[str, str]]:
    """From which file, and why."""
    artifacts, edges = lineage
    names = {artifact.id: next(iter(artifact.names), "") for artifact in artifacts}
    return [(names[edge.source], edge.why) for edge in edges]


def test_a_merged_stream_comes_from_the_stream_and_its_marketplace_file() -> None:
    assert drawn(merged(STREAM, OCP)[1]) == [("stream.json", "merged"), ("0.json", "marketplace images")]


def test_a_stream_that_came_out_as_it_went_in_comes_from_nothing() -> None:
    for marketplace in (MAINFRAME, b"{}"):
        made, (artifacts, edges) = merged(STREAM, marketplace)
        assert made == STREAM
        assert [(artifact.kind, list(artifact.names)) for artifact in artifacts] == [(Kind.STREAM, ["stream.json"])]
        assert edges == []


def test_merging_what_the_stream_has_already_draws_no_edge() -> None:
    once, _ = merged(STREAM, OCP)
    assert drawn(merged(once, OCP)[1]) == []


def test_a_file_that_has_none_of_the_architectures_is_no_source() -> None:
    assert drawn(merged(STREAM, OCP, MAINFRAME)[1]) == [("stream.json", "merged"), ("0.json", "marketplace images")]


def test_a_file_whose_entries_a_later_one_replaced_is_no_source() -> None:
    assert drawn(merged(STREAM, UNPAID, OCP)[1]) == [("stream.json", "merged"), ("1.json", "marketplace images")]


def test_a_stream_that_only_its_layout_changed_comes_from_its_file_alone() -> None:
    disordered = b'{\n  "architectures": {},\n  "stream": "s"\n}\n'
    assert drawn(merged(disordered, MAINFRAME)[1]) == [("stream.json", "merged")]


def test_images_of_a_push_make_a_stream_of_two_files() -> None:
    assert drawn(merged(STREAM, pushed(us_east_1="ami-1"))[1]) == [("stream.json", "merged"), ("0.json", "images of a push")]


def test_a_push_whose_images_a_later_one_replaced_is_no_source() -> None:
    first, second = pushed(us_east_1="ami-1"), pushed(us_east_1="ami-2", eu_west_1="ami-3")
    assert drawn(merged(STREAM, first, second)[1]) == [("stream.json", "merged"), ("1.json", "images of a push")]


def test_a_push_of_which_one_image_is_left_is_a_source() -> None:
    first, second = pushed(us_east_1="ami-1", eu_west_1="ami-3"), pushed(us_east_1="ami-2")
    assert [name for name, _ in drawn(merged(STREAM, first, second)[1])] == ["stream.json", "0.json", "1.json"]


def test_a_marketplace_file_replaces_what_a_push_gave_to_the_marketplace() -> None:
    assert drawn(merged(STREAM, SOLD, OCP)[1]) == [("stream.json", "merged"), ("1.json", "marketplace images")]
    assert drawn(merged(STREAM, OCP, SOLD)[1])[1:] == [("0.json", "marketplace images"), ("1.json", "images of a push")]


def test_merging_images_that_the_stream_has_already_draws_no_edge() -> None:
    once, _ = merged(STREAM, pushed(us_east_1="ami-1"))
    assert drawn(merged(once, pushed(us_east_1="ami-1"))[1]) == []
