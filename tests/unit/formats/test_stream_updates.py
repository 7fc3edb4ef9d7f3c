"""Update metadata of Fedora CoreOS streams is a stream document too."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.stream import parse_stream_document, write_stream_document
from penstock.model.updates import Reason, Rollout, UpdateMetadata, Updates

DOCUMENT = b"""{
  "stream": "stable",
  "metadata": {
    "last-modified": "2026-07-21T14:07:12Z"
  },
  "releases": [
    {
      "version": "44.20260621.3.1",
      "metadata": {
        "barrier": {
          "reason": "https://example.com/why"
        },
        "rollout": {
          "duration_minutes": 2880,
          "start_epoch": 1784728800,
          "start_percentage": 1.0
        }
      },
      "note": "kept"
    }
  ]
}
"""


def test_it_is_written_as_it_was_read() -> None:
    document = parse_stream_document(DOCUMENT, subject="updates")

    assert isinstance(document, Updates)
    assert write_stream_document(document, like=DOCUMENT) == DOCUMENT


@pytest.mark.real_data
def test_the_published_file_is_canonical(real_data: Path) -> None:
    content = (real_data / "streams/fcos/updates-stable.json").read_bytes()

    assert write_stream_document(parse_stream_document(content, subject="updates"), like=content) == content


PARTS: dict[str, Any] = {"barrier": {"reason": "b"}, "deadend": {"reason": "d", "new": 1}, "rollout": {"start_percentage": 1.0}, "x": 2}
RELEASES = st.lists(
    st.builds(
        lambda version, parts, order: {key: {"version": version, "metadata": {part: PARTS[part] for part in parts}}[key] for key in order},
        st.sampled_from(["44.20260621.3.1", "44.20260704.3.0", "x"]),
        st.lists(st.sampled_from(sorted(PARTS)), unique=True),
        st.permutations(["version", "metadata"]),
    ),
    max_size=4,
)


@given(RELEASES, st.permutations(["stream", "metadata", "releases", "note"]))
def test_whatever_the_order_of_its_keys_it_is_written_as_it_was_read(releases: list[Any], keys: list[str]) -> None:
    told = {"stream": "stable", "metadata": {"a": 1, "last-modified": "t"}, "releases": releases, "note": ""}
    content = json.dumps({key: told[key] for key in keys}, indent=2).encode()

    assert write_stream_document(parse_stream_document(content, subject="u"), like=content) == content


@pytest.mark.parametrize(
    ("found", "written"),
    [
        ('{"barrier": {"reason": "b"}, "rollout": {}}', ["barrier", "deadend", "rollout"]),
        ('{"rollout": {}, "barrier": {"reason": "b"}}', ["rollout", "barrier", "deadend"]),
    ],
    ids=["usual order", "own order"],
)
def test_a_new_key_goes_to_its_usual_place_or_behind_those_that_have_their_own(found: str, written: list[str]) -> None:
    content = f'{{"stream": "stable", "releases": [{{"version": "44.20260621.3.1", "metadata": {found}}}]}}'.encode()
    document = parse_stream_document(content, subject="u")
    assert isinstance(document, Updates)
    with_dead_end = UpdateMetadata(barrier=Reason(reason="b"), deadend=Reason(reason="d"), rollout=Rollout())
    changed = document.with_fields(releases=[document.releases[0].with_fields(metadata=with_dead_end)])

    assert list(json.loads(write_stream_document(changed, like=content))["releases"][0]["metadata"]) == written
