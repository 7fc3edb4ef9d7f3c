"""What is done with a file, told by what is here and what the server says."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.model.digest import Digest
from penstock.model.downloads import KeptPart, RemoteFile
from penstock.model.errors import DigestMismatch, NotFoundError, PartialError, TransientError
from penstock.streams.mirroring.execution import Mirrored, MirrorRun
from penstock.streams.mirroring.plan import Action, MirrorPlan, MirrorStep, decide
from penstock.streams.mirroring.selection import WantedFile

WANTED, OTHER = Digest.of(b"wanted"), Digest.of(b"other")
DIGESTS = st.sampled_from([WANTED, OTHER])
SIZES = st.none() | st.sampled_from([10, 20])
TAGS = st.none() | st.sampled_from(['"a"', '"b"'])
KEPT = st.none() | st.builds(KeptPart, DIGESTS, st.sampled_from([0, 5]), SIZES, TAGS)
REMOTE = st.builds(RemoteFile, SIZES, TAGS, st.sampled_from(["", "x.example answered 404 Not Found"]))


@given(st.none() | DIGESTS, KEPT, REMOTE)
def test_a_file_is_left_alone_exactly_when_it_is_right(here: Digest | None, kept: KeptPart | None, remote: RemoteFile) -> None:
    action, _ = decide(WANTED, here, kept, remote)
    assert (action is Action.REUSE) == (here == WANTED)


@given(st.none() | st.just(OTHER), KEPT, REMOTE)
def test_a_part_is_continued_exactly_when_nothing_speaks_against_it(here: Digest | None, kept: KeptPart | None, remote: RemoteFile) -> None:
    action, reason = decide(WANTED, here, kept, remote)
    sound = (
        kept is not None
        and kept.size_bytes > 0
        and kept.digest == WANTED
        and len({size for size in (kept.total_bytes, remote.size_bytes) if size is not None}) < 2
        and len({tag for tag in (kept.validator, remote.validator) if tag is not None}) < 2
    )
    assert (action is Action.RESUME) == sound
    assert reason


@given(KEPT, REMOTE)
def test_a_file_that_is_to_be_replaced_is_told_with_its_digest(kept: KeptPart | None, remote: RemoteFile) -> None:
    assert OTHER.short in decide(WANTED, OTHER, kept, remote)[1]


def test_what_is_to_come_is_what_is_not_kept() -> None:
    file = WantedFile("a", "https://x.example/a", WANTED, None, ("metal iso disk x86_64",))
    plan = MirrorPlan(
        (
            MirrorStep(file, Action.RESUME, "", 100, 30),
            MirrorStep(file, Action.DOWNLOAD, "", 100),
            MirrorStep(file, Action.DOWNLOAD, ""),
            MirrorStep(file, Action.REUSE, ""),
        )
    )
    assert ([step.missing_bytes for step in plan.steps], plan.known_bytes, plan.unknown_sizes) == ([70, 100, None, 0], 170, 1)


def run_of(*errors: NotFoundError | TransientError | DigestMismatch | None) -> MirrorRun:
    file = WantedFile("a", "https://x.example/a", WANTED, None, ())
    return MirrorRun(tuple(Mirrored(MirrorStep(file, Action.DOWNLOAD, ""), "d/a", error) for error in errors))


def test_wrong_bytes_decide_the_verdict_whatever_else_happened() -> None:
    wrong, missing = DigestMismatch("a", expected="x", found="y"), NotFoundError("gone")
    assert run_of(None, missing, wrong).verdict() is wrong


def test_without_wrong_bytes_some_files_are_part_of_the_work_and_none_is_the_first_failure() -> None:
    late, missing = TransientError("late"), NotFoundError("gone")
    assert isinstance(run_of(None, late).verdict(), PartialError)
    assert run_of(late, missing).verdict() is late
    assert run_of(None, None).verdict() is None
