"""RPM's order of versions: published vectors, laws, and the rpm program itself."""

import itertools
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.evr import Evr, compare_versions, version_key

_SIGN = {"<": -1, "==": 0, ">": 1}
_PIECES = ["0", "00", "1", "01", "9", "10", "123", "a", "b", "ab", "Z", "rc", "git", "el9", "~", "~~", "^", "^^", ".", "_", "+", ".."]
_EPOCHS = ["", "0:", "1:", "02:", "10:"]
_RPM_PAIRS = 1500

versions = st.lists(st.sampled_from(_PIECES), max_size=8).map("".join)
words = versions.filter(bool)
evrs = st.builds(Evr, st.integers(0, 2**32 - 1) | st.sampled_from([0, 1]), words, st.just("") | words)


@pytest.mark.parametrize(
    ("a", "op", "b"),
    [
        ("1.0", "==", "1.0"),
        ("1.0", "==", "1_00"),
        ("1.0", "==", "1.0."),
        ("1.0", "<", "1.0.0"),
        ("9", "<", "10"),
        ("1a", "<", "1.1"),
        ("1.0a", ">", "1.0"),
        ("B", "<", "a"),
        ("1.0~rc1", "<", "1.0"),
        ("1.0~~", "<", "1.0~"),
        ("1.0^git1", ">", "1.0"),
        ("1.0^git1", "<", "1.0.1"),
        ("1.0^git1", "<", "1.0a"),
        ("1.0^a~b", "<", "1.0^a"),
        ("1.0é", "==", "1.0"),
        ("", "==", "."),
        ("", ">", "~"),
        ("1٣", "==", "1"),
    ],
)
def test_versions_compare_by_pieces(a: str, op: str, b: str) -> None:
    assert compare_versions(a, b) == _SIGN[op]
    assert compare_versions(b, a) == -_SIGN[op]


def test_a_number_may_be_longer_than_an_int_can_be_read() -> None:
    assert compare_versions("9" * 10_000, "1" + "0" * 10_000) == -1


@pytest.mark.real_data
def test_every_published_vector_of_rpm_holds(real_data: Path) -> None:
    text = (real_data / "rpmdb" / "rpmvercmp").read_text(encoding="utf-8")
    vectors = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    assert len(vectors) > 100
    assert [vector for vector in vectors if compare_versions(vector[0], vector[2]) != _SIGN[vector[1]]] == []


@given(versions, versions, versions)
def test_the_order_of_versions_is_total(a: str, b: str, c: str) -> None:
    assert compare_versions(a, b) == -compare_versions(b, a)
    low, middle, high = sorted((a, b, c), key=version_key)
    assert compare_versions(low, middle) <= 0
    assert compare_versions(middle, high) <= 0
    assert compare_versions(low, high) <= 0


@given(words, words)
def test_a_tilde_sorts_before_and_a_caret_after_the_bare_version(version: str, rest: str) -> None:
    assert compare_versions(f"{version}~{rest}", version) == -1
    assert compare_versions(f"{version}^{rest}", version) == 1


def _answers_of_rpm(rpm: str, pairs: list[tuple[str, str]]) -> list[int]:
    program = " ".join(f'print(rpm.vercmp("{a}","{b}").." ")' for a, b in pairs)
    asked = subprocess.run([rpm, "--eval", f"%{{lua: {program}}}"], capture_output=True, text=True, check=True, timeout=60)
    return [int(answer) for answer in asked.stdout.split()]


@pytest.fixture(scope="module")
def rpm(require_program: Callable[[str], str]) -> str:
    return require_program("rpm")


@pytest.mark.integration
def test_the_rpm_program_compares_versions_alike(rpm: str) -> None:
    dice = random.Random(20250826)
    drawn = ["".join(dice.choices(_PIECES, k=dice.randint(1, 6))) for _ in range(_RPM_PAIRS)]
    close = [text + dice.choice(_PIECES) for text in drawn]  # versions that share a beginning reach the rules for the end
    pairs = list(zip(drawn, close, strict=True)) + list(itertools.pairwise(drawn))
    assert [compare_versions(a, b) for a, b in pairs] == _answers_of_rpm(rpm, pairs)


@pytest.mark.integration
def test_the_rpm_program_compares_evrs_alike(rpm: str) -> None:
    dice = random.Random(20260312)

    def draw() -> str:
        release = dice.choice(["", "-1", "-1.el9", "-~1", "-01", "-2^a"])
        return dice.choice(_EPOCHS) + dice.choice(["1", "1.0", "1.00", "1~a"]) + release

    pairs = [(draw(), draw()) for _ in range(_RPM_PAIRS)]
    ours = [(a > b) - (a < b) for a, b in ((Evr.parse(x), Evr.parse(y)) for x, y in pairs)]
    assert ours == _answers_of_rpm(rpm, pairs)


@given(evrs)
def test_an_evr_reads_back_what_it_writes(evr: Evr) -> None:
    again = Evr.parse(str(evr))
    assert (again.epoch, again.version, again.release) == (evr.epoch, evr.version, evr.release)


@given(evrs, evrs, evrs)
def test_evrs_are_totally_ordered(a: Evr, b: Evr, c: Evr) -> None:
    assert (a < b) + (a == b) + (a > b) == 1
    low, middle, high = sorted((a, b, c))
    assert low <= middle <= high
    assert low <= high


@given(evrs, evrs)
def test_equal_evrs_hash_alike(a: Evr, b: Evr) -> None:
    twin = Evr(a.epoch, f"0{a.version}" if a.version[0].isdigit() else f".{a.version}", a.release)
    assert a == twin
    assert hash(a) == hash(twin)
    assert (a == b) <= (hash(a) == hash(b))


@pytest.mark.parametrize(
    ("low", "high"),
    [("2.0-9", "1:1.0-1"), ("1.0-1", "1.0-2"), ("1.0", "1.0-1"), ("1.0", "1.0-~"), ("1.0~rc1-9", "1.0-1")],
)
def test_the_epoch_decides_first_and_no_release_is_lowest(low: str, high: str) -> None:
    assert Evr.parse(low) < Evr.parse(high)


@pytest.mark.parametrize("text", ["2.3-4", "0:2.3-4", "00:2.3-4", ":2.3-4", "(none):2.3-4"])
def test_a_missing_epoch_is_zero(text: str) -> None:
    assert str(Evr.parse(text)) == "2.3-4"


@pytest.mark.parametrize(
    "text", ["", "1:", "-1", "1.0-", "a:1.0-1", "-1:1.0-1", "1:2:3-4", "1-2-3", "4294967296:1-1", "1.0 -1", "1٣:1-1", "1/2"]
)
def test_what_is_no_evr_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        Evr.parse(text)
    assert refusal.value.hint


def test_an_evr_does_not_compare_with_text() -> None:
    assert Evr.parse("1.0-1") != "1.0-1"
    with pytest.raises(TypeError):
        sorted([Evr.parse("1.0-1"), "1.0-1"])  # type: ignore[type-var]
