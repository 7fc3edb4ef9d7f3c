"""Paths with empty and dot segments, and where they lead."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.servers.images.targets import clean_target


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("//byid/a/full.iso", "/byid/a/full.iso?x=%2F"),
        ("/x/../byid/./a//full.iso", "/byid/a/full.iso?x=%2F"),
        ("/byid//a/", "/byid/a/?x=%2F"),
        ("/../..", "/?x=%2F"),
        ("/byid/a%2Fb//full.iso", "/byid/a%2Fb/full.iso?x=%2F"),
        ("/byid/a/full.iso", ""),
        ("/byid/a/", ""),
        ("/", ""),
    ],
)
def test_empty_and_dot_segments_are_left_out(path: str, clean: str) -> None:
    assert clean_target(path, "x=%2F") == clean


@given(st.text("/.\\a:@?#\u00e9\t", max_size=30))
@example("//evil.example/")
@example("/x/../\\evil.example")
@example("///\\/evil.example")
def test_no_path_leads_to_another_server(text: str) -> None:
    target = clean_target(f"/{text}", "")
    assert urlsplit(urljoin("http://here.example/", target.replace("\\", "/"))).netloc == "here.example"
    assert not target or clean_target(target, "") == ""
