"""What stands in an account, judged: name and content must agree."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.publish.azure.vhds import BUILD, OTHER_VHD, VHD

from penstock.model.digest import Digest
from penstock.model.push.blobs import (
    MOST_TAGS,
    BlobKind,
    BlobName,
    BlobState,
    CopyStatus,
    FoundBlob,
    all_tags,
    copy_marks,
    fence_of,
    index_tags,
    more_metadata,
    upload_marks,
    without_query,
)
from penstock.publish.azure.blobs import BlobConflict, judge_blob
from penstock.publish.plan import Verdict

if TYPE_CHECKING:
    from tests.unit.publish.azure.conftest import BlobPushes

OURS, OTHER = Digest.of(VHD), Digest.of(OTHER_VHD)
AT = BlobName("pubupload", "rhel.vhd")
FROM = "https://rhcos.example/images/rhcos.vhd"


def blob(at: BlobName = AT, **fields: object) -> FoundBlob:
    known: Mapping[str, object] = {"at": at, "kind": BlobKind.PAGE, "size_bytes": len(VHD), "etag": '"1"'}
    return FoundBlob(**{**known, **fields})  # type: ignore[arg-type]


def uploaded(content: Digest, *, whole: bool = True, **fields: Any) -> FoundBlob:  # noqa: ANN401  # whatever it has
    marks = upload_marks(content, BUILD)
    return blob(tags=marks.tags, metadata=(marks.complete() if whole else marks).metadata, **fields)


def copied(status: str, *, source: str = FROM, looked_at: bool = False, **fields: Any) -> FoundBlob:  # noqa: ANN401  # whatever it has
    marks = copy_marks(source, BUILD)
    copy = CopyStatus(id="copy-1", status=status, source=source)
    return blob(tags=marks.tags, metadata=(marks.complete() if looked_at else marks).metadata, copy=copy, **fields)


@pytest.mark.parametrize(
    ("named", "verdict"),
    [
        (None, Verdict.CREATE),
        (uploaded(OURS), Verdict.REUSE),
        (uploaded(OURS, whole=False), Verdict.RESUME),
        (uploaded(OTHER, whole=False), Verdict.CREATE),
        (uploaded(OURS, whole=False, size_bytes=512), Verdict.CREATE),
        (blob(tags=BUILD), Verdict.REUSE),
        (blob(tags={"penstock_sha256": OURS.hex}), Verdict.REUSE),
        (copied("failed"), Verdict.CREATE),
    ],
    ids=["nothing", "ours", "half", "half of another", "half of another size", "upstream's", "tagged by hand", "a failed copy"],
)
def test_a_name_is_used_again_gone_on_with_or_replaced(named: FoundBlob | None, verdict: Verdict, pushes: "BlobPushes") -> None:
    assert judge_blob(pushes.wanted(), named).verdict is verdict


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        (uploaded(OTHER), "other content"),
        (uploaded(OURS, size_bytes=1024), "another size"),
        (uploaded(OURS, kind=BlobKind.BLOCK), "no page blob"),
        (blob(tags={**BUILD, "release": "2"}), "nothing tells what is in it"),
        (blob(tags=BUILD, size_bytes=1024), "another size"),
        (blob(tags={**BUILD, "penstock_sha256": OTHER.hex}), "other content"),
        (copied("pending"), "is being copied"),
        (blob(tags={**BUILD, "penstock_sha256": OURS.hex}, metadata={"penstock_sha256": OTHER.hex}), "nothing tells"),
    ],
    ids=["other", "size", "block blob", "another build", "upstream's of another size", "tagged as other", "copying", "marks disagree"],
)
def test_something_else_under_the_name_is_a_conflict_that_says_what_to_do(named: FoundBlob, reason: str, pushes: "BlobPushes") -> None:
    with pytest.raises(BlobConflict, match=reason):
        judge_blob(pushes.wanted(), named)


def test_the_same_content_under_another_name_serves(pushes: "BlobPushes") -> None:
    other = uploaded(OURS, at=BlobName("elsewhere", "x.vhd"))
    judged = judge_blob(pushes.wanted(), None, [blob(BlobName("a", "b"), tags=BUILD), other])
    assert (judged.verdict, judged.found) == (Verdict.REUSE, other)


def test_upstreams_blob_of_the_name_serves_from_another_container(pushes: "BlobPushes") -> None:
    other = blob(BlobName("elsewhere", "rhel.vhd"), tags=BUILD)
    assert judge_blob(pushes.wanted(), None, [other]).found == other


@pytest.mark.parametrize(
    "tagged",
    [
        uploaded(OURS, whole=False, at=BlobName("a", "b")),
        uploaded(OTHER, at=BlobName("a", "b")),
        blob(BlobName("a", "b"), tags=BUILD, size_bytes=1024),
        blob(BlobName("a", "rhel-raw.vhd"), tags=BUILD),
    ],
    ids=["half", "other content", "upstream's of another size", "upstream's, which may be another disk of the build"],
)
def test_what_tags_find_under_another_name_and_is_not_the_same_changes_nothing(tagged: FoundBlob, pushes: "BlobPushes") -> None:
    assert judge_blob(pushes.wanted(), None, [tagged]).verdict is Verdict.CREATE


@pytest.mark.parametrize(
    ("named", "verdict"),
    [
        (None, Verdict.CREATE),
        (copied("pending"), Verdict.RESUME),
        (copied("success"), Verdict.RESUME),
        (copied("success", looked_at=True), Verdict.REUSE),
        (copied("failed"), Verdict.CREATE),
        (copied("aborted", source="https://elsewhere.example/x.vhd"), Verdict.CREATE),
        (blob(copy=CopyStatus(id="1", status="success", source=FROM)), Verdict.REUSE),
        (uploaded(OTHER, whole=False), Verdict.CREATE),
    ],
    ids=["nothing", "pending", "not looked at", "whole", "failed", "another that failed", "upstream's", "half an upload"],
)
def test_a_copy_is_known_by_the_address_that_it_is_of(named: FoundBlob | None, verdict: Verdict, pushes: "BlobPushes") -> None:
    assert judge_blob(pushes.copied(f"{FROM}?sig=secret"), named).verdict is verdict


def test_a_copy_from_elsewhere_is_a_conflict(pushes: "BlobPushes") -> None:
    with pytest.raises(BlobConflict):
        judge_blob(pushes.copied(FROM), copied("success", source="https://elsewhere.example/x.vhd", looked_at=True))


def test_the_query_of_a_source_is_never_shown(pushes: "BlobPushes") -> None:
    wanted = pushes.copied("https://user:password@rhcos.example/x.vhd?sig=secret")
    assert wanted.origin == "https://rhcos.example/x.vhd"
    assert "secret" not in repr(wanted)
    assert "password" not in repr(wanted)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=130)


@given(tags=st.dictionaries(NAMES, st.text(max_size=260), max_size=14))
def test_every_tag_is_kept_and_azure_takes_all_that_are_searchable(tags: dict[str, str]) -> None:
    index, more = index_tags(tags)
    assert {**index, **more} == tags
    assert len(index) <= MOST_TAGS
    assert all(1 <= len(key) <= 128 and len(value) <= 256 and (key + value).isascii() for key, value in index.items())
    assert all_tags(index, more_metadata(more)) == tags
    assert all(value.isascii() for value in more_metadata(more).values())


def test_the_date_of_the_release_finds_room_after_nine_other_tags() -> None:
    index, more = index_tags({**{f"tag{number}": "" for number in range(12)}, "release_date": "2026051113::42::07"})
    assert "release_date" in index
    assert len(index) == MOST_TAGS
    assert len(more) == 3


@given(first=st.binary(), second=st.binary())
def test_two_contents_have_two_fences(first: bytes, second: bytes) -> None:
    fences = [fence_of(Digest.of(each)) for each in (first, second)]
    assert all(0 <= each < 1 << 63 for each in fences)
    assert (fences[0] == fences[1]) == (first == second)


def test_metadata_that_is_no_json_gives_no_tags() -> None:
    assert all_tags({"name": "rhel"}, {"penstock_tags": "{"}) == {"name": "rhel"}


@pytest.mark.parametrize(
    ("address", "bare"),
    [
        ("https://a.example/b/c.vhd?sig=1#x", "https://a.example/b/c.vhd"),
        ("http://u:p@127.0.0.1:10000/acc/b/c.vhd", "http://127.0.0.1:10000/acc/b/c.vhd"),
    ],
)
def test_an_address_without_its_query_holds_no_secret(address: str, bare: str) -> None:
    assert without_query(address) == bare


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (blob(), BlobState.UNTOLD),
        (uploaded(OURS), BlobState.COMPLETE),
        (uploaded(OURS, whole=False), BlobState.UPLOADING),
        (copied("aborted"), BlobState.LOST),
    ],
    ids=["another program's", "whole", "half", "a copy that was ended"],
)
def test_the_state_of_a_blob_is_told_by_its_marks(found: FoundBlob, state: BlobState) -> None:
    assert found.state is state
