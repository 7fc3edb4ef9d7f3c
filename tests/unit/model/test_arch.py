"""The names of architectures."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.arch import Arch
from penstock.model.errors import InputError


@pytest.mark.parametrize(("rpm", "oci"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("ppc64le", "ppc64le"), ("s390x", "s390x")])
def test_an_architecture_has_an_rpm_name_and_an_oci_name(rpm: str, oci: str) -> None:
    assert str(Arch.parse(rpm)) == rpm
    assert Arch.parse(rpm).oci == oci


@given(st.sampled_from(Arch), st.sampled_from([str.upper, str.lower, str.title]))
def test_every_name_of_an_architecture_reads_back_in_any_case(arch: Arch, case: Callable[[str], str]) -> None:
    assert Arch.parse(case(arch.value)) is arch
    assert Arch.parse(case(arch.oci)) is arch
    assert Arch.parse(f" {arch.oci}\n") is arch


@pytest.mark.parametrize("text", ["", "i686", "noarch", "x86-64", "X86 64", "riscv64"])
def test_an_unknown_architecture_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(InputError, match="unknown architecture") as refusal:
        Arch.parse(text)
    assert all(arch.value in refusal.value.hint for arch in Arch)
