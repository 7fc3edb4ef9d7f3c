"""The two rankings, that of Azure's series and that of the images which tell their build, mean the same by the same choice."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.arch import Arch
from penstock.model.catalogue import AzureSku
from penstock.model.versions.coreos import RhelVersion
from penstock.model.versions.parts import MajorMinor
from penstock.streams.populate import azure_choice, nearest
from penstock.streams.populate.azure_target import AzureTarget
from penstock.streams.populate.request import Choice

_SKU = AzureSku("azureopenshift", "aro4", "420-v2")
_VERSIONS = st.tuples(st.sampled_from([9, 10]), st.sampled_from([2, 4, 6]), st.integers(1, 28))
_PUBLISHED = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("choice", [Choice.BOUNDED, Choice.LATEST])
@given(wanted=_VERSIONS, listed=st.sets(_VERSIONS, max_size=12))
def test_both_rankings_take_the_same_version_by_the_same_rule(
    choice: Choice, wanted: tuple[int, int, int], listed: set[tuple[int, int, int]]
) -> None:
    major, minor, day = wanted
    build = RhelVersion(f"{major}.{minor}.202602{day:02}-0")
    rhel = MajorMinor(major, minor)
    target = AzureTarget(Arch.X86_64, build, rhel, date(2026, 2, day), f"{major}.{minor}.202602{day:02}", (MajorMinor(4, 20),))
    names = {f"{one[0]}.{one[1]}.202602{one[2]:02}": one for one in listed}
    ranked = next(azure_choice.rank([azure_choice.Candidate.read(_SKU, name) for name in names], target, choice), None)
    candidates = [
        nearest.Candidate(
            image=name, name=name, line=MajorMinor(one[0], one[1]), at=(date(2026, 2, one[2]).toordinal(),), published=_PUBLISHED
        )
        for name, one in names.items()
    ]
    chosen = nearest.choose(candidates, nearest.Target(rhel, (date(2026, 2, day).toordinal(),)), choice)
    by_series = (ranked.rule, ranked.candidate.text) if ranked is not None and ranked.fits else None
    assert by_series == (None if chosen is None else (chosen[0], chosen[1].image))
