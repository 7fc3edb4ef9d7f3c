"""Changes over the lists: what counts, and what is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.imageservice.changes import Changes, image_id, parse_addition, parse_changes, write_changes
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError
from penstock.model.osimage import FileOrigin, ImageType, PayloadOrigin, UrlOrigin, Wanted

versions = st.sampled_from(["4.17", "4.18", "4.18-multi"])
arches = st.sampled_from([Arch.X86_64, Arch.AARCH64])
by_url = st.builds(
    Wanted,
    versions,
    arches,
    st.builds(
        UrlOrigin,
        st.sampled_from(["https://a.example/?x=1", "https://b.example/"]),
        st.sampled_from([None, Digest.of(b"")]),
        st.sampled_from([None, "https://a.example/s"]),
    ),
    st.sampled_from([ImageType.FULL, ImageType.DISCONNECTED]),
    st.sampled_from(["1", "2"]),
)
by_payload = st.builds(
    Wanted,
    versions,
    arches,
    st.builds(PayloadOrigin, st.sampled_from(["quay.example/r:1", "mirror.example/r:1"]), st.sampled_from(["4.18.1", "4.18.2"])),
)
wanted = by_url | by_payload
local = st.builds(Wanted, versions, arches, st.builds(FileOrigin, st.sampled_from(["/a.iso", "/b.iso"])))
lists = st.lists(wanted | local, unique_by=image_id, max_size=6)
steps = st.lists(st.one_of(st.lists(wanted, min_size=1, max_size=3), st.none()), max_size=6)


def after(listed: list[Wanted], changes: list[list[Wanted] | None]) -> Changes:
    """The changes after some additions, and for each None the removal of what stands first."""
    made = Changes()
    for added in changes:
        now = made.over(listed)
        if added is not None:
            made = made.adding(added)
        elif now:
            made = made.removing(image_id(now[0]), listed)
    return made


@given(lists, steps)
def test_what_is_written_is_what_is_read(listed: list[Wanted], changes: list[list[Wanted] | None]) -> None:
    made = after(listed, changes)
    again = parse_changes(write_changes(made), subject="state")
    assert again.removed == made.removed
    assert set(again.added) == set(made.added)
    assert set(again.over(listed)) == set(made.over(listed))


@given(lists, steps, wanted)
def test_an_added_image_counts_whatever_was_before(listed: list[Wanted], changes: list[list[Wanted] | None], one: Wanted) -> None:
    assert one in after(listed, changes).adding([one]).over(listed)


@given(lists, steps)
def test_a_removed_image_does_not_count(listed: list[Wanted], changes: list[list[Wanted] | None]) -> None:
    made = after(listed, changes)
    for one in made.over(listed):
        assert image_id(one) not in {image_id(left) for left in made.removing(image_id(one), listed).over(listed)}


@given(lists, steps)
def test_each_image_counts_once(listed: list[Wanted], changes: list[list[Wanted] | None]) -> None:
    ids = [image_id(one) for one in after(listed, changes).over(listed)]
    assert len(set(ids)) == len(ids)


@given(lists, lists, steps)
def test_settling_changes_nothing_of_what_counts(listed: list[Wanted], later: list[Wanted], changes: list[list[Wanted] | None]) -> None:
    made = after(listed, changes)
    assert made.settled(later).over(later) == made.over(later)


def image(url: str = "https://a.example/") -> Wanted:
    return Wanted("4.18", Arch.X86_64, UrlOrigin(url), version="418.94-0")


def test_an_image_that_left_the_lists_and_came_back_counts_again() -> None:
    removed = Changes().removing(image_id(image()), [image()])
    assert removed.over([image()]) == ()
    assert removed.settled([]).over([image()]) == (image(),)


def test_a_removal_holds_as_long_as_the_entry_says_the_same() -> None:
    removed = Changes().removing(image_id(image()), [image()])
    assert removed.over([image("https://other.example/")]) == (image("https://other.example/"),)


def test_an_added_image_stands_in_the_place_of_the_listed_one() -> None:
    listed = [image(), Wanted("4.19", Arch.X86_64, UrlOrigin("https://c.example/"), version="9.6-0")]
    assert Changes().adding([image("https://new.example/")]).over(listed) == (image("https://new.example/"), listed[1])


def test_what_nobody_wants_cannot_be_removed() -> None:
    with pytest.raises(NotFoundError):
        Changes().removing("os-image:4.18:x86_64:full-iso:1", [])


def test_the_state_says_of_a_removed_image_nothing_but_its_id() -> None:
    listed = [image("https://a.example/?token=secret")]
    assert b"secret" not in write_changes(Changes().removing(image_id(listed[0]), listed))


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"state_version": 2}', b'{"state_version": 1, "removed": []}'])
def test_a_damaged_state_is_told(content: bytes) -> None:
    with pytest.raises(InputError, match="state"):
        parse_changes(content, subject="state.json")


def test_an_empty_state_says_nothing() -> None:
    assert parse_changes(b"\n", subject="state") == Changes()


def test_an_error_of_a_request_does_not_show_what_was_sent() -> None:
    with pytest.raises(InputError) as caught:
        parse_addition(b'{"os_image": {"url": secret}}')
    assert "secret" not in f"{caught.value} {caught.value.hint}"
