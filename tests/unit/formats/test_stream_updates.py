"""Update metadata of Fedora CoreOS streams is a stream document too."""

from pathlib import Path

import pytest

from penstock.formats.stream import parse_stream_document, write_stream_document
from penstock.model.updates import Updates

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
