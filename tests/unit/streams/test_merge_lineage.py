"""What merging tells the ledger: the files that the result holds something of, and nothing where there is no new result."""

from penstock.formats.stream import parse_marketplace, parse_stream, write_stream_document
from penstock.model.lineage import Kind
from penstock.streams.document_lineage import Lineage, Source, lineage_of_merge
from penstock.streams.merging import merge_marketplace

STREAM = b'{\n  "stream": "s",\n  "architectures": {\n    "x86_64": {\n      "images": {}\n    }\n  }\n}\n'
UNPAID = b'{"x86_64": {"azure": {"no-purchase-plan": {}}}}'
OCP = b'{"x86_64": {"azure": {"ocp": {}}}}'
MAINFRAME = b'{"s390x": {"azure": {"ocp": {}}}}'


def merged(stream: bytes, *marketplaces: bytes) -> tuple[bytes, Lineage]:
    """As the command does it; the first file is ``stream.json``, the others are ``0.json``, ``1.json`` …."""
    document = parse_stream(stream, subject="s")
    sources = [Source(stream, "stream.json", document)]
    for number, content in enumerate(marketplaces):
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
