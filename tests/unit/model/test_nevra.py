"""The spellings of a package's identity, and its order."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.evr import Evr
from penstock.model.nevra import RPM_ARCHES, Nevra

_LETTERS = "abcXYZ019._+"
_words = st.text(_LETTERS + "~^", min_size=1, max_size=8)
_names = st.lists(st.text(_LETTERS, min_size=1, max_size=6), min_size=1, max_size=3).map("-".join)
nevras = st.builds(Nevra, _names, st.sampled_from([0, 0, 1, 32]), _words, _words, st.sampled_from(sorted(RPM_ARCHES)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bash-5.1.8-9.el9.x86_64", Nevra("bash", 0, "5.1.8", "9.el9", "x86_64")),
        ("openssl-libs-1:3.2.2-6.el9_5.aarch64", Nevra("openssl-libs", 1, "3.2.2", "6.el9_5", "aarch64")),
        ("1:openssl-libs-3.2.2-6.el9_5.aarch64", Nevra("openssl-libs", 1, "3.2.2", "6.el9_5", "aarch64")),
        ("tzdata-2025b-1.el9.noarch.rpm", Nevra("tzdata", 0, "2025b", "1.el9", "noarch")),
        ("kernel-5.14.0-570.el9.src", Nevra("kernel", 0, "5.14.0", "570.el9", "src")),
        ("glibc-2.34-100.el9.i686", Nevra("glibc", 0, "2.34", "100.el9", "i686")),
        ("java-1.8.0-openjdk-1:1.8.0.312.b07-2.el9.s390x", Nevra("java-1.8.0-openjdk", 1, "1.8.0.312.b07", "2.el9", "s390x")),
        ("(none):bash-5.1.8-9.el9.ppc64le", Nevra("bash", 0, "5.1.8", "9.el9", "ppc64le")),
        ("gpg-pubkey-fd431d51-4ae0493b.(none)", Nevra("gpg-pubkey", 0, "fd431d51", "4ae0493b", None)),
    ],
)
def test_every_spelling_is_read(text: str, expected: Nevra) -> None:
    assert Nevra.parse(text) == expected


def test_a_name_version_release_has_no_architecture() -> None:
    package = Nevra.parse("ignition-2.21.0-2.el9")
    assert (package.release, package.arch) == ("2.el9", None)
    assert str(package) == package.nvr == "ignition-2.21.0-2.el9"


def test_the_evr_compares_as_rpm_does() -> None:
    assert Nevra.parse("a-1.0~rc1-1.noarch").evr < Nevra.parse("a-1.0-1.noarch").evr
    assert Nevra.parse("a-1:1.0-1.noarch").evr == Evr(1, "1.0", "1")


@given(nevras)
def test_a_nevra_reads_back_what_it_writes(package: Nevra) -> None:
    assert Nevra.parse(str(package)) == package
    assert Nevra.parse(f"{package}.rpm") == package


@given(nevras)
def test_the_old_spelling_with_the_epoch_in_front_means_the_same(package: Nevra) -> None:
    assert Nevra.parse(f"{package.epoch}:{package.nvr}.{package.arch}") == package


@given(nevras, nevras)
def test_the_order_agrees_with_equality(a: Nevra, b: Nevra) -> None:
    assert (a < b) + (a == b) + (a > b) == 1


def test_packages_sort_by_name_then_as_rpm_orders_them_then_by_architecture() -> None:
    expected = ["a-9-1.noarch", "b-1.0~rc1-1.noarch", "b-1.0-1.aarch64", "b-1.0-1.x86_64", "b-1.10-1.noarch", "b-1:0-1.noarch"]
    assert [str(package) for package in sorted(map(Nevra.parse, reversed(expected)))] == expected


def test_spellings_that_rpm_takes_for_the_same_version_stay_two_packages() -> None:
    assert len({Nevra.parse("a-1.0-1.noarch"), Nevra.parse("a-1.00-1.noarch")}) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bash",
        "bash-5.1",
        "bash-5.1.x86_64",
        "-1-1.noarch",
        "bash--1.noarch",
        "bash-1-.noarch",
        "1:bash-1:5.1-1.noarch",
        "x:bash-1-1.noarch",
        ":bash-1-1.noarch",
        "bash-:1-1.noarch",
        "ba sh-1-1.noarch",
        "a/b-1-1.noarch",
        "bash-1-1\n.noarch",
        "bash-5000000000:1-1.noarch",
    ],
)
def test_what_is_no_package_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        Nevra.parse(text)
    assert refusal.value.hint


@pytest.mark.parametrize("arch", ["", "x86-64", "a.b", "a b"])
def test_an_architecture_is_one_word(arch: str) -> None:
    with pytest.raises(InputError, match="architecture"):
        Nevra("bash", 0, "1", "1", arch)


@pytest.mark.real_data
def test_every_package_of_published_lock_files_reads_back(real_data: Path) -> None:
    packages = {
        f"{name}-{locked['evra']}"
        for lock in sorted((real_data / "locks").glob("*.json"))
        for name, locked in json.loads(lock.read_text(encoding="utf-8"))["packages"].items()
        if "evra" in locked
    }
    assert len(packages) > 300
    parsed = {text: Nevra.parse(text) for text in packages}
    assert [text for text, package in parsed.items() if package.arch is None or str(package) != text.replace("-0:", "-")] == []
