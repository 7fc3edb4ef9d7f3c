from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from penstock.model.versions.parts import MajorMinor
from penstock.streams.populate.entries import Rule
from penstock.streams.populate.nearest import Candidate, Target, choose
from penstock.streams.populate.request import Choice

_LINES = st.builds(MajorMinor, st.sampled_from([8, 9, 10]), st.integers(0, 8))
_MOMENTS = st.tuples(st.integers(738000, 738020))
_TARGETS = st.builds(Target, _LINES, _MOMENTS)
_CHOICES = st.sampled_from(Choice)


@st.composite
def _candidates(draw: st.DrawFn) -> list[Candidate[int]]:
    drawn = draw(st.lists(st.tuples(_LINES, _MOMENTS, st.integers(0, 3), st.integers(1, 28)), max_size=12))
    return [
        Candidate(image=number, name=f"ami-{number}", line=line, at=at, order=(order,), published=datetime(2026, 2, day, tzinfo=UTC))
        for number, (line, at, order, day) in enumerate(drawn)
    ]


@given(_candidates(), _TARGETS, _CHOICES)
def test_no_choice_takes_another_major_version_of_rhel(candidates: list[Candidate[int]], target: Target, choice: Choice) -> None:
    chosen = choose(candidates, target, choice)
    assert chosen is None or chosen[1].line.major == target.line.major


@given(_candidates(), _TARGETS, _CHOICES, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_does_not_matter(candidates: list[Candidate[int]], target: Target, choice: Choice, chance: object) -> None:
    shuffled = list(candidates)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(shuffled, target, choice) == choose(candidates, target, choice)


@given(_candidates(), _TARGETS)
def test_bounded_stays_in_the_line_and_takes_the_newest_not_after_where_there_is_one(
    candidates: list[Candidate[int]], target: Target
) -> None:
    chosen = choose(candidates, target, Choice.BOUNDED)
    in_line = [candidate.at for candidate in candidates if candidate.line == target.line]
    not_after = [at for at in in_line if at <= target.at]
    if not in_line:
        assert chosen is None
        return
    assert chosen is not None
    rule, best = chosen
    assert best.line == target.line
    if not_after:
        assert best.at == max(not_after)
        assert rule is (Rule.EXACT if best.at == target.at else Rule.BEHIND)
    else:
        assert best.at == min(in_line)
        assert rule is Rule.AHEAD


@given(_candidates(), _TARGETS)
def test_upstream_never_takes_a_line_above_the_target(candidates: list[Candidate[int]], target: Target) -> None:
    chosen = choose(candidates, target, Choice.UPSTREAM)
    assert chosen is None or chosen[1].line <= target.line


@given(_candidates(), _TARGETS)
def test_latest_is_exact_or_the_newest_of_all(candidates: list[Candidate[int]], target: Target) -> None:
    usable = [candidate for candidate in candidates if candidate.line.major == target.line.major]
    chosen = choose(candidates, target, Choice.LATEST)
    assert (chosen is None) == (not usable)
    if chosen is not None and chosen[0] is Rule.LATEST:
        assert (chosen[1].line, chosen[1].at) == max((candidate.line, candidate.at) for candidate in usable)
