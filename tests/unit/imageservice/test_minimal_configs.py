"""The rules for boot loaders' configs and for the URL of the root file system."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.imageservice.bootconfig import Edit, apply_edits, edit_arguments, edit_images, moved, over_network, rootfs_argument
from penstock.model.errors import InputError, VerificationError

ROOTFS = 'coreos.live.rootfs_url="https://example.com/rootfs"'
WORDS = st.sampled_from(["rw", "quiet", "console=ttyS0", 'x="a b"', "coreos.liveiso.no=1", "acoreos.liveiso=1"])
LIVE = st.sampled_from(["coreos.liveiso=rhcos-418.94-0", "coreos.liveiso="])
GRUB, ISOLINUX = "EFI/redhat/grub.cfg", "isolinux/isolinux.cfg"


@given(st.lists(WORDS), st.lists(WORDS), LIVE)
def test_the_live_iso_goes_and_every_other_word_stays(before: list[str], after: list[str], live: str) -> None:
    assert over_network(" ".join([*before, live, *after]), ROOTFS) == " ".join([*before, *after, ROOTFS])
    assert over_network(" ".join([*before, live, *after]), None) == " ".join([*before, *after])


@given(st.lists(WORDS), st.lists(WORDS), LIVE, st.sampled_from(["", "\n", "\n####\n", " \nother\n"]))
def test_the_kernel_line_changes_as_the_arguments_do(before: list[str], after: list[str], live: str, behind: str) -> None:
    config = " ".join(["timeout 1\n\tlinux /images/vmlinuz", *before, live, *after]) + behind
    edited = apply_edits(config.encode(), edit_arguments(config.encode(), ROOTFS, path=GRUB), path=GRUB)
    assert edited.decode() == " ".join(["timeout 1\n\tlinux /images/vmlinuz", *before, *after, ROOTFS]) + behind


@pytest.mark.parametrize(
    ("path", "config", "expected"),
    [
        (GRUB, "linux /k a\ninitrd /i\ninitrd /j\n", "linux /k a\ninitrd /i /x /y\ninitrd /j\n"),
        (GRUB, "linuxefi /k\n  initrdefi /i /ign  \n", "linuxefi /k\n  initrdefi /i /ign /x /y  \n"),
        (ISOLINUX, "append initrd=/i a\nappend initrd=/j\n", "append initrd=/i,/x,/y a\nappend initrd=/j\n"),
        (ISOLINUX, "  APPEND a initrd=/i,/ign\n", "  APPEND a initrd=/i,/ign,/x,/y\n"),
        (ISOLINUX, "# append is here\nappend initrd=/i\n", "# append is here\nappend initrd=/i,/x,/y\n"),
    ],
)
def test_images_are_loaded_behind_those_of_the_first_entry(path: str, config: str, expected: str) -> None:
    edit = edit_images(config.encode(), ["x", "y"], path=path)
    assert edit is not None
    assert apply_edits(config.encode(), [edit], path=path).decode() == expected


def test_without_images_nothing_is_loaded_besides() -> None:
    assert edit_images(b"", [], path=GRUB) is None


@pytest.mark.parametrize(("path", "config"), [(GRUB, b"initrdless\n"), (ISOLINUX, b"append quiet\n"), (ISOLINUX, b"label x\n")])
def test_a_config_that_loads_no_initramfs_is_refused(path: str, config: bytes) -> None:
    with pytest.raises(VerificationError):
        edit_images(config, ["x"], path=path)


@given(st.binary(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6), st.binary(max_size=5)), max_size=4))
def test_what_no_edit_touches_is_found_where_it_moved_to(config: bytes, places: list[tuple[int, int, bytes]]) -> None:
    edits: list[Edit] = []
    for start, length, content in sorted(places):
        if start + length <= len(config) and (not edits or start > edits[-1].end):
            edits.append(Edit(start, start + length, content))
    edited = apply_edits(config, edits, path=GRUB)
    assert len(edited) == len(config) + sum(edit.growth for edit in edits)
    for index, byte in enumerate(config):
        if not any(edit.start <= index < max(edit.end, edit.start + 1) for edit in edits):
            assert edited[moved(index, edits)] == byte


def test_edits_of_the_same_bytes_are_refused() -> None:
    with pytest.raises(VerificationError, match="lies over"):
        apply_edits(b"abcdef", [Edit(0, 4, b""), Edit(3, 5, b"")], path=GRUB)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a$b",
        "https://example.com/a\\b",
        'https://example.com/a"b',
        "https://example.com/a b",
        "https://example.com/a\nb",
        "https://example.com/ä",
        "file:///rootfs.img",
        "https://",
        "",
    ],
)
def test_a_url_that_would_not_arrive_as_it_is_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="URL of the root file system"):
        rootfs_argument(url, always_quoted=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com/rootfs.img", "http://example.com/rootfs.img"),
        ("http://[2001:db8::1]:8080/rootfs.img", '"http://[2001:db8::1]:8080/rootfs.img"'),
        ("https://example.com/rootfs?arch=x86_64&version=1", '"https://example.com/rootfs?arch=x86_64&version=1"'),
        ("https://example.com/a;b", '"https://example.com/a;b"'),
    ],
)
def test_a_url_is_quoted_where_grub_would_take_a_character_for_its_own(url: str, expected: str) -> None:
    assert rootfs_argument(url, always_quoted=False) == f"coreos.live.rootfs_url={expected}"
    assert rootfs_argument(url, always_quoted=True) == f'coreos.live.rootfs_url="{url}"'
