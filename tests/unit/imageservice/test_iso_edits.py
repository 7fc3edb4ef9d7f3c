"""An edit as a whole: changes lie in the areas, say what allows them, come in order, and a second edit finds nothing to do."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.coreos_iso import IsoFiles
from penstock.formats.coreos_iso.embed import find_embed_area
from penstock.formats.coreos_iso.kargs import read_kargs
from penstock.imageservice.editing import IsoEdit, edit_iso, embedded_config, kernel_arguments
from penstock.imageservice.kargs import KargsEdit
from penstock.model.errors import InputError, NotFoundError

MakeIso = Callable[..., IsoFiles]
CONFIG = b'{"ignition": {"version": "3.4.0"}}'
DEFAULT = "quiet coreos.liveiso=rhcos-1 ignition.firstboot"
SIZE = 400
GRUB, ISOLINUX = "EFI/redhat/grub.cfg", "isolinux/isolinux.cfg"
WORDS = st.lists(st.from_regex(r"[a-z]{1,8}(=[a-z0-9,]{1,8})?", fullmatch=True), max_size=6)


class Patched:
    """An ISO with patches over it."""

    def __init__(self, base: IsoFiles, edit: IsoEdit) -> None:
        self._base = base
        self.edited = edit_iso(base, edit)

    @property
    def name(self) -> str:
        return self._base.name

    def find(self, path: str, /) -> tuple[int, int] | None:
        return self._base.find(path)

    def read(self, offset: int, length: int, /) -> bytes:
        content = bytearray(self._base.read(0, 1 << 30))
        for patch in self.edited.patches:
            content[patch.offset : patch.end] = patch.content
        return bytes(content[offset : offset + length])


@pytest.fixture(scope="session")
def iso(memory_iso: MakeIso) -> IsoFiles:
    area = f"{DEFAULT}\n".ljust(SIZE, "#") + "# COREOS_KARG_EMBED_AREA\n"
    kargs = {"default": DEFAULT, "files": [{"path": ISOLINUX, "offset": 9}, {"path": GRUB, "offset": 6}], "size": SIZE}
    return memory_iso(
        {
            GRUB: f"linux {area}".encode(),
            ISOLINUX: f"  append {area}".encode(),
            "coreos/kargs.json": json.dumps(kargs).encode(),
            "coreos/igninfo.json": b'{"file": "images/ignition.img"}',
            "images/ignition.img": bytes(8192),
        }
    )


@given(append=WORDS, delete=WORDS, has_config=st.booleans())
def test_every_change_lies_in_an_area_and_is_read_back(iso: IsoFiles, append: list[str], delete: list[str], *, has_config: bool) -> None:
    edit = IsoEdit(CONFIG if has_config else None, kargs=KargsEdit(append=append, delete=delete))
    made = Patched(iso, edit)
    found, area = read_kargs(iso), find_embed_area(iso)
    assert found is not None
    areas = [(area.offset_bytes, area.offset_bytes + area.length_bytes)]
    areas += [(part.offset_bytes, part.offset_bytes + part.length_bytes) for part in found.areas]
    assert all(any(start <= patch.offset and patch.end <= end for start, end in areas) for patch in made.edited.patches)
    assert kernel_arguments(made, default=False).split() == [word for word in DEFAULT.split() if word not in delete] + append
    assert kernel_arguments(made, default=True) == DEFAULT
    if has_config:
        assert embedded_config(made) == CONFIG


def test_the_config_is_written_first_then_the_loaders_front_to_back(iso: IsoFiles) -> None:
    edited = edit_iso(iso, IsoEdit(CONFIG, kargs=KargsEdit(append=["a"])))
    assert [change.patch.label for change in edited.changes] == [
        "the Ignition config",
        f"the kernel arguments in {GRUB}",
        f"the kernel arguments in {ISOLINUX}",
    ]
    assert [change.reason for change in edited.changes] == ["coreos/igninfo.json", "coreos/kargs.json", "coreos/kargs.json"]


def test_the_same_config_again_changes_nothing(iso: IsoFiles) -> None:
    once = Patched(iso, IsoEdit(CONFIG))
    again = edit_iso(once, IsoEdit(CONFIG))
    assert again.changes == ()
    assert again.notes == ("rhcos.iso: this Ignition config stands there already",)


def test_another_config_needs_leave(iso: IsoFiles) -> None:
    once = Patched(iso, IsoEdit(CONFIG))
    other = CONFIG.replace(b"3.4.0", b"3.5.0")
    with pytest.raises(InputError, match="another Ignition config"):
        edit_iso(once, IsoEdit(other))
    assert embedded_config(Patched(once, IsoEdit(other, replace=True))) == other


def test_nothing_of_the_config_is_in_a_repr(iso: IsoFiles) -> None:
    edit = IsoEdit(CONFIG)
    assert "3.4.0" not in repr(edit) + repr(edit_iso(iso, edit))


def test_what_is_taken_out_is_gone(iso: IsoFiles) -> None:
    emptied = Patched(Patched(iso, IsoEdit(CONFIG)), IsoEdit(remove=True))
    with pytest.raises(NotFoundError, match="no Ignition config"):
        embedded_config(emptied)
    assert emptied.read(0, 1 << 30) == iso.read(0, 1 << 30)


def test_an_iso_without_areas_for_arguments_says_since_when_there_are_any(memory_iso: MakeIso) -> None:
    old = memory_iso({"images/ignition.img": bytes(8192)})
    with pytest.raises(InputError, match="no place for kernel arguments"):
        edit_iso(old, IsoEdit(kargs=KargsEdit(append=["a"])))
    assert edit_iso(old, IsoEdit(CONFIG)).changes[0].reason == "the file images/ignition.img"
