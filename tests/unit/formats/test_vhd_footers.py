import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.vhd import (
    FOOTER_BYTES,
    VhdFooter,
    VhdType,
    alignment_fault,
    check_fixed,
    checksum,
    geometry,
    parse_footer,
)
from penstock.model.errors import VerificationError

MIB = 1 << 20
# The footer that `qemu-img create -f vpc -o subformat=fixed,force_size 1M` (QEMU 8.2) writes, but for its time and id.
QEMU = (
    b"conectix\x00\x00\x00\x02\x00\x01\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00qem2\x00\x05\x00\x03Wi2k"
    b"\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\xff\xff\x10\xff\x00\x00\x00\x02"
)


def a_footer(size_bytes: int = MIB, type: int = VhdType.FIXED) -> bytes:  # noqa: A002  # the format's word
    return VhdFooter(size_bytes=size_bytes, type=type).encode()


@given(
    size_bytes=st.integers(0, 1 << 42),
    unique_id=st.binary(min_size=16, max_size=16),
    made_at_s=st.integers(946_684_800, 946_684_800 + (1 << 32) - 1),
    type=st.sampled_from(VhdType),
)
def test_a_footer_is_read_as_it_was_written(size_bytes: int, unique_id: bytes, made_at_s: int, type: VhdType) -> None:  # noqa: A002
    footer = VhdFooter(size_bytes=size_bytes, unique_id=unique_id, made_at_s=made_at_s, type=type)
    encoded = footer.encode()
    assert len(encoded) == FOOTER_BYTES
    assert parse_footer(encoded, subject="x.vhd") == footer


@given(place=st.integers(0, FOOTER_BYTES - 1), bit=st.integers(0, 7))
def test_a_footer_with_a_turned_bit_is_refused(place: int, bit: int) -> None:
    damaged = bytearray(a_footer())
    damaged[place] ^= 1 << bit
    with pytest.raises(VerificationError):
        parse_footer(bytes(damaged), subject="x.vhd")


def test_a_footer_that_qemu_wrote_is_read() -> None:
    blank = QEMU + bytes(4) + bytes(range(16)) + bytes(FOOTER_BYTES - len(QEMU) - 20)
    footer = QEMU + checksum(blank).to_bytes(4, "big") + blank[len(QEMU) + 4 :]
    assert check_fixed(footer, MIB + FOOTER_BYTES, subject="x.vhd").size_bytes == MIB


def test_a_fixed_vhd_of_the_right_size_is_good() -> None:
    assert check_fixed(a_footer(), MIB + FOOTER_BYTES, subject="x.vhd").type == VhdType.FIXED


@pytest.mark.parametrize(
    ("footer", "file_bytes", "reason"),
    [
        (bytes(512), MIB, "no VHD"),
        (b"", 0, "no VHD"),
        (a_footer(type=VhdType.DYNAMIC), MIB + 512, "a dynamic VHD"),
        (a_footer(type=VhdType.DIFFERENCING), MIB + 512, "a differencing VHD"),
        (a_footer(type=9), MIB + 512, "an unknown kind of VHD"),
        (a_footer(), MIB, "there are 1048064"),
        (a_footer(size_bytes=1000), 1512, "multiple of 512"),
    ],
    ids=["a raw disk", "nothing", "dynamic", "differencing", "unknown", "cut", "half a sector"],
)
def test_what_azure_would_refuse_is_refused_with_the_reason(footer: bytes, file_bytes: int, reason: str) -> None:
    with pytest.raises(VerificationError, match=reason) as error:
        check_fixed(footer, file_bytes, subject="x.vhd")
    assert error.value.subject == "x.vhd"
    assert error.value.hint


@pytest.mark.parametrize(("file_bytes", "odd"), [(MIB + 512, False), (512, False), (MIB + 1024, True)])
def test_a_disk_that_is_no_multiple_of_a_mebibyte_is_told(file_bytes: int, odd: bool) -> None:
    assert bool(alignment_fault(file_bytes)) == odd


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (1 << 20, (30, 4, 17)),
        (1 << 30, (2080, 16, 63)),
        (127 << 30, (65278, 16, 255)),
        (4 << 40, (65535, 16, 255)),
    ],
)
def test_the_geometry_is_that_of_the_specification(size_bytes: int, expected: tuple[int, int, int]) -> None:
    assert geometry(size_bytes) == expected
