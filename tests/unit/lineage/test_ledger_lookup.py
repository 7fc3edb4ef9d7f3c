import asyncio

import pytest

from penstock.lineage.lookup import find_artifacts, readings
from penstock.model.digest import Digest
from penstock.model.errors import NotFoundError
from penstock.model.lineage import Artifact, Kind
from penstock.simulators.ledger import MemoryLedger

DIGEST = Digest.of(b"manifest")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("4.20.1", ["4.20.1"]),
        ("coreos.iso", ["coreos.iso"]),
        ("quay.example/a/b:tag", ["quay.example/a/b:tag"]),
        ("docker://Quay.example/a/b:tag", ["docker://Quay.example/a/b:tag", "quay.example/a/b:tag"]),
        (f"quay.example/a@{DIGEST}", [f"quay.example/a@{DIGEST}", str(DIGEST)]),
        (f"quay.example/a:t@{DIGEST}", [f"quay.example/a:t@{DIGEST}", f"quay.example/a@{DIGEST}", str(DIGEST)]),
        (f"oci:folder@{DIGEST}", [f"oci:folder@{DIGEST}", str(DIGEST)]),
        (str(DIGEST), [str(DIGEST)]),
    ],
)
def test_what_is_typed_is_read_literally_first(text: str, wanted: list[str]) -> None:
    assert list(readings(text)) == wanted


def test_an_image_is_found_by_its_pullspec_on_a_mirror() -> None:
    image = Artifact(Kind.IMAGE, str(DIGEST), DIGEST, names=frozenset({f"quay.example/a@{DIGEST}"}))
    ledger = MemoryLedger()
    asyncio.run(ledger.record([image], []))
    assert asyncio.run(find_artifacts(ledger, f"mirror.example:5000/b@{DIGEST}")) == [image]


def test_what_is_not_there_says_where_it_was_looked_for_and_what_to_try() -> None:
    with pytest.raises(NotFoundError) as caught:
        asyncio.run(find_artifacts(MemoryLedger(), "4.99", place="/state/ledger.sqlite"))
    assert str(caught.value) == "4.99: no record of it in the ledger at /state/ledger.sqlite"
    assert "pullspec" in caught.value.hint


def test_a_file_that_is_not_there_is_named_with_its_digest() -> None:
    with pytest.raises(NotFoundError) as caught:
        asyncio.run(find_artifacts(MemoryLedger(), str(DIGEST), path="coreos.iso"))
    assert caught.value.subject == "coreos.iso"
    assert str(DIGEST) in caught.value.message
